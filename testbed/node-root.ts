import { chmod, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exists } from "./cache.ts";
import { run } from "./command.ts";
import { type Containerd, copyContainerd, findContainerd } from "./containerd.ts";
import { downloadModule } from "./go-build.ts";
import { packLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Bump when the way of making the file system changes. */
const recipe = "2";

/** kind's own list, without the network file systems, which nothing here mounts. */
const packages = [
  ...["systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod"],
  ...["libseccomp2", "pigz", "bash", "ca-certificates", "curl", "jq", "procps"],
  ...["runc", "containernetworking-plugins"],
];

const networkPlugins = ["host-local", "loopback", "portmap", "ptp"];

/** The layer that kind calls the base image: Debian, systemd, containerd and kind's own entrypoint and units. */
export async function nodeRoot(kind: string, log: Log): Promise<string> {
  const module = await downloadModule("sigs.k8s.io/kind", `v${kind}`);
  const containerd = await findContainerd(module.folder, log);
  const make = (folder: string): Promise<void> =>
    phase(log, `node image, kind ${kind}`, "make its file system", async () => {
      const root = join(folder, "root");
      await debootstrap("minbase", packages, root);
      await copyKindFiles(join(module.folder, "images/base/files"), root);
      await installContainerd(containerd, root);
      await quietSystemd(root);
      await allowWithoutResourceCapability(root);
      await slim(root);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  return await part(
    { name: `node-root-kind-${kind}`, ingredients: [recipe, kind, containerd.ingredient, ...packages], make },
    log,
  );
}

/** The modes that kind's Dockerfile gives: scripts can be run, everything else is only read. */
async function copyKindFiles(source: string, root: string): Promise<void> {
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(root, from.slice(source.length));
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
    await chmod(to, /\/(kind|usr\/local)\/s?bin\//.test(to) ? 0o755 : 0o644);
  }
}

async function installContainerd(containerd: Containerd, root: string): Promise<void> {
  await copyContainerd(containerd, join(root, "usr/local/bin"));
  const plugins = join(root, "opt/cni/bin");
  await mkdir(plugins, { recursive: true });
  for (const plugin of networkPlugins) await copyFile(join(root, "usr/lib/cni", plugin), join(plugins, plugin));
  await rm(join(root, "usr/lib/cni"), { recursive: true });
  // Debian's containerd looks there; plugins are added to a kind node where upstream's containerd looks.
  await symlink("/opt/cni/bin", join(root, "usr/lib/cni"));
  const spec: unknown = JSON.parse(await run(join(containerd.folder, "ctr"), ["oci", "spec"]));
  await writeFile(join(root, "etc/containerd/cri-base.json"), JSON.stringify(containerSpec(spec)));
}

/** kind's hook hides the machine's product name from containers; limits that the node may not set are removed. */
function containerSpec(spec: unknown): unknown {
  if (typeof spec !== "object" || spec === null || !("process" in spec))
    throw new Error("ctr printed no container spec");
  const process: unknown = Object.fromEntries(
    Object.entries(spec.process ?? {}).filter(([name]) => name !== "rlimits"),
  );
  return { ...spec, process, hooks: { createContainer: [{ path: "/kind/bin/mount-product-files.sh" }] } };
}

/** Starts containerd and the kubelet, and no service that only a real machine needs. */
async function quietSystemd(root: string): Promise<void> {
  const system = join(root, "lib/systemd/system");
  await rm(join(system, "sysinit.target.wants/systemd-tmpfiles-setup.service"), { force: true });
  const unwanted: readonly (readonly [string, RegExp])[] = [
    [join(system, "multi-user.target.wants"), /./],
    [join(system, "local-fs.target.wants"), /./],
    [join(system, "basic.target.wants"), /./],
    [join(system, "sockets.target.wants"), /udev|initctl/],
  ];
  for (const [folder, pattern] of unwanted) await empty(folder, pattern);
  for (const entry of await readdir(join(root, "etc/systemd/system"))) {
    if (entry.endsWith(".wants")) await empty(join(root, "etc/systemd/system", entry), /./);
  }
  const journal = join(root, "etc/systemd/journald.conf");
  await writeFile(journal, `${await readFile(journal, "utf8")}ReadKMsg=no\n`);
  await rm(join(root, "sbin/init"), { force: true });
  await symlink("/lib/systemd/systemd", join(root, "sbin/init"));
  const units = ["kubelet.service", "containerd.service", "undo-mount-hacks.service"];
  await run("systemctl", ["--root", root, "enable", ...units]).catch(() => enableByHand(root, units));
  await symlink("/dev/null", join(root, "etc/systemd/system/systemd-binfmt.service"));
  await mkdir(join(root, "etc/kubernetes/manifests"), { recursive: true });
}

async function enableByHand(root: string, units: readonly string[]): Promise<void> {
  const wants = join(root, "etc/systemd/system/multi-user.target.wants");
  await mkdir(wants, { recursive: true });
  for (const unit of units) {
    await rm(join(wants, unit), { force: true });
    if (await exists(join(root, "etc/systemd/system", unit))) {
      await symlink(`/etc/systemd/system/${unit}`, join(wants, unit));
    }
  }
}

/** Lowering an OOM score and raising a limit need a capability that the machine, and so every container on it, may lack. */
async function allowWithoutResourceCapability(root: string): Promise<void> {
  for (const unit of ["containerd.service", "kubelet.service"]) {
    const file = join(root, "etc/systemd/system", unit);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replaceAll(/^(OOMScoreAdjust|Limit[A-Z]+)=.*\n/gm, ""));
  }
  const file = join(root, "etc/containerd/config.toml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replaceAll("restrict_oom_score_adj = false", "restrict_oom_score_adj = true"));
}

/** Downloaded lists and documentation would double the image's size, and a node does not need them. */
async function slim(root: string): Promise<void> {
  for (const folder of ["var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/man", "usr/share/locale"]) {
    await empty(join(root, folder), /./);
  }
}

async function empty(folder: string, pattern: RegExp): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (pattern.test(name)) await rm(join(folder, name), { recursive: true });
  }
}
