import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../privileges.ts";
import { eventually, sh } from "./harness.ts";

/** Where the image of the small engine's registry is. */
export const FULL_DISK_IMAGE = "127.0.0.1:5999/node:v1.28.15";

/** A Docker Engine on a small disk of its own. */
export interface SmallEngine {
  /** For the variable DOCKER_HOST. */
  readonly host: string;
  end(): Promise<void>;
}

/**
 * Starts an engine on a file system of 3 GiB in a file, in a network namespace of its own with nothing but a registry,
 * which fills that file system when it is asked for a layer.
 */
export async function startSmallEngine(): Promise<SmallEngine> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-engine-"));
  const disk = join(root, "disk");
  await sh("truncate", ["--size=3G", join(root, "disk.img")]);
  await sh("mke2fs", ["-q", "-t", "ext4", "-m", "0", join(root, "disk.img")]);
  await sh("mkdir", [disk]);
  await sh(...asRoot("mount", ["-o", "loop", join(root, "disk.img"), disk]));
  const host = `unix://${join(root, "docker.sock")}`;
  const options = {
    "data-root": join(disk, "data"),
    "exec-root": join(root, "exec"),
    pidfile: join(root, "pid"),
    host,
    group: String(process.getgid?.() ?? 0),
    bridge: "none",
    iptables: "false",
    ip6tables: "false",
    // If containerd is the machine's own, both engines use it.
    "containerd-namespace": "kind-torch-test",
    "containerd-plugins-namespace": "kind-torch-test-plugins",
  };
  const dockerd = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const script = 'ip link set lo up; "$1" "$2" "$3" "$4" & echo $! > "$5"; shift 5; exec dockerd "$@"';
  const registry = [process.execPath, join(import.meta.dirname, "full-disk-registry.ts"), "5999", disk];
  const registryPid = join(root, "registry.pid");
  const child = spawn(...asRoot("unshare", ["--net", "sh", "-c", script, "sh", ...registry, registryPid, ...dockerd]), {
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const answers = () => sh("docker", [`--host=${host}`, "version"]).then(Boolean, () => false);
  await eventually("the small engine answers", answers, 60, 300);
  return {
    host,
    end: async () => {
      for (const file of [registryPid, join(root, "pid")]) {
        await sh(...asRoot("kill", [(await readFile(file, "utf8")).trim()]));
      }
      await ended;
      await sh(...asRoot("umount", ["--recursive", "--lazy", disk]));
      await sh(...asRoot("rm", ["--recursive", "--force", root]));
      await rm(root, { recursive: true, force: true });
    },
  };
}
