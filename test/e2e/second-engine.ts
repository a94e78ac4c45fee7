import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../privileges.ts";
import { eventually, sh } from "./harness.ts";

/** A Docker Engine of a test's own. */
export interface SecondEngine {
  /** For the variable DOCKER_HOST. */
  readonly host: string;
  docker(...args: readonly string[]): Promise<string>;
  end(): Promise<void>;
}

/** Starts an engine that keeps images in containerd's store, as a fresh Docker 29 does. */
export function startContainerdStore(): Promise<SecondEngine> {
  return startEngine({ features: { "containerd-snapshotter": true } });
}

/**
 * Starts an engine with a daemon.json of its own. It has no network, so that it can change neither the machine's firewall
 * nor the bridge of the engine that is there, and its mounts end with it.
 */
export async function startEngine(
  configuration: object,
  more: Readonly<Record<string, string>> = {},
): Promise<SecondEngine> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-engine-"));
  const file = (name: string) => join(root, name);
  await writeFile(file("daemon.json"), JSON.stringify(configuration));
  const host = `unix://${file("docker.sock")}`;
  const options = {
    "config-file": file("daemon.json"),
    "data-root": file("data"),
    "exec-root": file("exec"),
    pidfile: file("pid"),
    host,
    group: String(process.getgid?.() ?? 0),
    bridge: "none",
    iptables: "false",
    ip6tables: "false",
    ...more,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const [program, rest] = asRoot("unshare", ["--net", "--mount", "dockerd", ...args]);
  const child = spawn(program, rest, { stdio: "ignore" });
  const ended = once(child, "exit");
  const docker = (...words: readonly string[]) => sh("docker", [`--host=${host}`, ...words]);
  const answers = () => docker("version").then(Boolean, () => false);
  await eventually("the second engine answers", answers, 60, 300);
  return {
    host,
    docker,
    end: async () => {
      await sh(...asRoot("kill", [(await readFile(file("pid"), "utf8")).trim()]));
      await ended;
      await sh(...asRoot("rm", ["--recursive", "--force", root]));
      await rm(root, { recursive: true, force: true });
    },
  };
}
