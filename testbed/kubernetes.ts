import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder, fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { downloadModule, goBuild, goModule, type Module } from "./go-build.ts";
import { readText } from "./image.ts";
import { writeKubernetesModule } from "./kubernetes-module.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** The files of the programs that a node runs, and the names of the images that this kubeadm looks for. */
export type Programs = {
  /** kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet and kubeadm in one. */
  readonly components: string;
  readonly kubectl: string;
  readonly etcd: string;
  readonly coredns: string;
  /** The test environment's own. */
  readonly network: string;
  readonly crictl: string;
  readonly images: readonly string[];
};

/** Bump when the way of compiling changes. */
const recipe = "2";

export async function compilePrograms(release: Release, log: Log): Promise<Programs> {
  const kubernetes = await compileKubernetes(release, log);
  const images = (await readText(join(kubernetes, "images"))).split("\n");
  const own = await compileOwn(release, log);
  const etcd = await compileEtcd(release, tagOf(images, "etcd"), log);
  const coredns = await compileCoreDns(release, tagOf(images, "coredns"), log);
  return {
    components: join(kubernetes, "components"),
    kubectl: join(kubernetes, "kubectl"),
    etcd: join(etcd, "etcd"),
    coredns: join(coredns, "coredns"),
    network: join(own, "network"),
    crictl: join(own, "crictl"),
    images,
  };
}

async function compileKubernetes(release: Release, log: Log): Promise<string> {
  const { patch, go } = release;
  const ingredients = [recipe, patch, go, await fingerprint(join(dataFolder, "go/components"))];
  const make = async (folder: string): Promise<void> => {
    const name = `kubernetes ${patch}`;
    const module = await phase(log, name, "download the sources", () => kubernetesSources(release));
    const sources = join(folder, "sources");
    await writeKubernetesModule(sources, module, release);
    const stamp = versionStamp(release, module);
    await phase(log, name, "compile the components", () =>
      goBuild({ folder: sources, toolchain: go }, "./components", join(folder, "components"), stamp),
    );
    await phase(log, name, "compile kubectl", () =>
      goBuild({ folder: sources, toolchain: go }, "k8s.io/kubernetes/cmd/kubectl", join(folder, "kubectl"), stamp),
    );
    await writeFile(join(folder, "images"), await listImages(folder, release));
    await rm(sources, { recursive: true });
  };
  return await part({ name: `kubernetes-${patch}`, ingredients, make }, log);
}

async function compileOwn(release: Release, log: Log): Promise<string> {
  const { patch, go } = release;
  const sums = await Promise.all(["network", "crictl"].map((name) => fingerprint(join(dataFolder, "go", name))));
  const make = (folder: string): Promise<void> =>
    phase(log, `kubernetes ${patch}`, "compile the test environment's pod network and crictl", async () => {
      const sources = join(folder, "sources");
      await writeKubernetesModule(sources, await kubernetesSources(release), release);
      for (const name of ["network", "crictl"])
        await goBuild({ folder: sources, toolchain: go }, `./${name}`, join(folder, name));
      await rm(sources, { recursive: true });
    });
  return await part({ name: `own-${patch}`, ingredients: [recipe, patch, go, ...sums], make }, log);
}

async function compileEtcd(release: Release, tag: string, log: Log): Promise<string> {
  const version = `v${tag.replace(/-\d+$/, "").replace(/^v/, "")}`;
  const make = (folder: string): Promise<void> =>
    phase(log, `etcd ${version}`, "compile", async () => {
      const sources = join(folder, "sources");
      await mkdir(sources);
      await goModule(sources, release.go, `go.etcd.io/etcd/server/v3@${version}`);
      await goBuild({ folder: sources, toolchain: release.go }, "go.etcd.io/etcd/server/v3", join(folder, "etcd"));
      await rm(sources, { recursive: true });
    });
  return await part({ name: `etcd-${version}`, ingredients: [recipe, version, release.go], make }, log);
}

async function compileCoreDns(release: Release, tag: string, log: Log): Promise<string> {
  const source = join(dataFolder, "go/coredns");
  const make = (folder: string): Promise<void> =>
    phase(log, `CoreDNS ${tag}`, "compile", async () => {
      const sources = join(folder, "sources");
      await run("cp", ["-r", source, sources]);
      await goModule(sources, release.go, `github.com/coredns/coredns@${tag}`);
      await goBuild({ folder: sources, toolchain: release.go }, ".", join(folder, "program"));
      await rm(sources, { recursive: true });
      await rename(join(folder, "program"), join(folder, "coredns"));
    });
  const ingredients = [recipe, tag, release.go, await fingerprint(source)];
  return await part({ name: `coredns-${tag}`, ingredients, make }, log);
}

export function kubernetesSources(release: Release): Promise<Module> {
  return downloadModule("k8s.io/kubernetes", `v${release.patch}`);
}

/** What the official build writes into its programs; kubeadm and the version policy depend on it. */
export function versionStamp(release: Release, module: Module): readonly string[] {
  const [major = "", minor = ""] = release.patch.split(".");
  const values = {
    gitVersion: `v${release.patch}`,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: module.commit,
    gitTreeState: "clean",
    buildDate: module.time,
  };
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((target) =>
    Object.entries(values).map(([name, value]) => `-X ${target}.${name}=${value}`),
  );
}

/** kubeadm itself knows which etcd and CoreDNS belong to it. */
async function listImages(folder: string, release: Release): Promise<string> {
  const kubeadm = join(folder, "kubeadm");
  await symlink("components", kubeadm);
  const list = await run(kubeadm, ["config", "images", "list", "--kubernetes-version", `v${release.patch}`]);
  await rm(kubeadm);
  return list.trim();
}

function tagOf(images: readonly string[], name: string): string {
  const image = images.find((each) => each.split("/").at(-1)?.startsWith(`${name}:`));
  const tag = image?.split(":").at(-1);
  if (tag === undefined) throw new Error(`kubeadm lists no ${name} among ${images.join(", ")}`);
  return tag;
}
