import { chmod, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, dataFolder, fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { describeImage, type Image, packImages, packLayer, readLayer } from "./image.ts";
import { type KindManifests, kindManifests } from "./kind-manifests.ts";
import { compilePrograms, type Programs } from "./kubernetes.ts";
import { compileLocalPath, localPathHelper } from "./local-path.ts";
import { nodeRoot } from "./node-root.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { preloadImages } from "./preload.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** Bump when the way of putting the image together changes. */
const recipe = "1";

export async function nodeImage(release: Release, log: Log): Promise<Image> {
  const root = nodeRoot(release.kind, log);
  const tables = iptablesLayer(log);
  const programs = await compilePrograms(release, log);
  const localPath = await compileLocalPath(log);
  const manifests = await kindManifests(release.kind, log);
  const base = join(await root, "layer.tar");
  const make = (folder: string): Promise<void> =>
    phase(log, `node image ${release.patch}`, "preload the control plane's images", async () => {
      const archive = join(folder, "images.tar");
      const layers = { tables: join(await tables, "layer.tar"), scratch: join(folder, "layers") };
      const images = new Map([
        ...(await clusterImages(programs, layers, await sandboxImage(base))),
        ...(await addOnImages(manifests, programs.network, localPath, layers)),
      ]);
      await packImages(images, join(folder, "scratch"), archive);
      const tree = join(folder, "tree");
      await preloadImages(archive, join(tree, "var/lib/containerd"));
      await installKubernetes(tree, programs, release);
      await installManifests(tree, manifests);
      await packLayer(tree, join(folder, "layer.tar"));
      for (const done of ["tree", "scratch", "images.tar", "layers"]) await rm(join(folder, done), { recursive: true });
    });
  const ingredients = [
    // By their paths inside the cache, so that a cache can be moved.
    ...[recipe, ...Object.values(programs).flat().map(placeInCache)],
    ...[localPath, manifests.folder, await root, await tables].map(placeInCache),
    await fingerprint(join(dataFolder, "pause.c")),
  ];
  const own = await part({ name: `node-${release.patch}`, ingredients, make }, log);
  return describeImage([await readLayer(base), await readLayer(join(own, "layer.tar"))], {
    Entrypoint: ["/usr/local/bin/entrypoint", "/sbin/init"],
    Env: ["container=docker"],
    StopSignal: "SIGRTMIN+3",
  });
}

function placeInCache(path: string): string {
  return path.replace(`${cacheFolder()}/`, "");
}

/** A small Debian with iptables, for the two images that write rules. */
async function iptablesLayer(log: Log): Promise<string> {
  const packages = ["iptables", "conntrack", "kmod", "busybox-static"];
  const choice = join(dataFolder, "iptables-choice.sh");
  const make = (folder: string): Promise<void> =>
    phase(log, "node image", "make the layer with iptables", async () => {
      const root = join(folder, "root");
      await debootstrap("extract", packages, root);
      for (const name of ["usr/share", "var", "etc/apt"]) await rm(join(root, name), { recursive: true, force: true });
      for (const tool of ["sh", "grep", "ln", "mv"]) {
        await rm(join(root, "bin", tool), { force: true });
        await symlink("busybox", join(root, "bin", tool));
      }
      for (const version of ["iptables", "ip6tables"]) {
        for (const name of [version, `${version}-save`, `${version}-restore`]) {
          await rm(join(root, "usr/sbin", name), { force: true });
          await copyFile(choice, join(root, "usr/sbin", name));
          await chmod(join(root, "usr/sbin", name), 0o755);
        }
      }
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  return await part(
    { name: "iptables-layer", ingredients: [recipe, ...packages, await fingerprint(choice)], make },
    log,
  );
}

/** kind replaces kubeadm's pause image by the one that containerd is configured for, so this is the one to preload. */
async function sandboxImage(base: string): Promise<string> {
  const config = await run("tar", ["-xOf", base, "./etc/containerd/config.toml"]);
  const image = /^\s*(?:sandbox_image|sandbox)\s*=\s*["'](.+)["']/m.exec(config)?.[1];
  if (image === undefined) throw new Error("kind's containerd configuration names no sandbox image");
  return image;
}

/** The layer with iptables and busybox, and the folder in which more layers are made. */
type Layers = { readonly tables: string; readonly scratch: string };

async function clusterImages(
  programs: Programs,
  { tables: iptables, scratch: layers }: Layers,
  sandbox: string,
): Promise<ReadonlyMap<string, Image>> {
  await mkdir(layers, { recursive: true });
  const pause = join(layers, "pause.built");
  await run("gcc", ["-Os", "-static", "-s", "-o", pause, join(dataFolder, "pause.c")]);
  const components = await readLayer(
    await binaryLayer(layers, "components", programs.components, [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kube-proxy",
    ]),
  );
  const tables = await readLayer(iptables);
  const images = new Map<string, Image>();
  for (const name of programs.images) {
    const program = name.replace(/:.*$/, "").split("/").at(-1) ?? "";
    if (program === "pause") continue;
    if (program === "etcd" || program === "coredns") {
      const layer = await readLayer(await binaryLayer(layers, program, programs[program], [program]));
      images.set(name, describeImage([layer], { Entrypoint: [program === "coredns" ? "/coredns" : "etcd"] }));
    } else {
      const parts = program === "kube-proxy" ? [components, tables] : [components];
      images.set(name, describeImage(parts, { Entrypoint: [program] }));
    }
  }
  const pauseLayer = await readLayer(await binaryLayer(layers, "pause", pause, ["pause"]));
  images.set(sandbox, describeImage([pauseLayer], { Entrypoint: ["/pause"] }));
  await rm(pause);
  return images;
}

/** The images that kind's manifests name, under the names that they give them. */
async function addOnImages(
  { kindnetd, provisioner, helper }: KindManifests,
  network: string,
  localPath: string,
  { tables, scratch }: Layers,
): Promise<ReadonlyMap<string, Image>> {
  const networkLayer = await readLayer(await binaryLayer(scratch, "kindnetd", network, ["kindnetd"]));
  const program = "local-path-provisioner";
  const storageLayer = await readLayer(await binaryLayer(scratch, program, localPath, [program]));
  return new Map([
    [kindnetd, describeImage([await readLayer(tables), networkLayer], { Cmd: ["kindnetd"] })],
    [provisioner, describeImage([storageLayer], { Entrypoint: [program] })],
    [helper, await localPathHelper(tables, scratch)],
  ]);
}

/** A layer with one program under its names; CoreDNS and pause are expected in the root too. */
async function binaryLayer(folder: string, layer: string, program: string, names: readonly string[]): Promise<string> {
  const root = join(folder, layer);
  const bin = join(root, "usr/local/bin");
  await mkdir(bin, { recursive: true });
  await copyFile(program, join(bin, layer));
  await chmod(join(bin, layer), 0o755);
  for (const name of names) if (name !== layer) await symlink(layer, join(bin, name));
  if (layer === "coredns" || layer === "pause") await symlink(`usr/local/bin/${layer}`, join(root, layer));
  const file = join(folder, `${layer}.tar`);
  await packLayer(root, file);
  return file;
}

async function installKubernetes(tree: string, programs: Programs, release: Release): Promise<void> {
  const bin = join(tree, "usr/bin");
  await mkdir(bin, { recursive: true });
  for (const program of ["kubectl", "crictl"] as const) await copyFile(programs[program], join(bin, program));
  await copyFile(programs.components, join(bin, "kubelet"));
  await symlink("kubelet", join(bin, "kubeadm"));
  await mkdir(join(tree, "kind"));
  await writeFile(join(tree, "kind/version"), `v${release.patch}`);
}

async function installManifests(tree: string, { folder }: KindManifests): Promise<void> {
  const manifests = join(tree, "kind/manifests");
  await mkdir(manifests, { recursive: true });
  for (const file of ["default-cni.yaml", "default-storage.yaml"]) {
    await copyFile(join(folder, file), join(manifests, file));
  }
}
