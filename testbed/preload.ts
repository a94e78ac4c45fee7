import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { poll } from "../src/poll.ts";
import { run, succeeds } from "./command.ts";
import { end, identify } from "./process-identity.ts";

/**
 * Imports images with a containerd of its own into a folder that becomes the node's. They are not unpacked, as in kind's
 * images.
 */
export async function preloadImages(archive: string, root: string): Promise<void> {
  // Not in the cache: the path of a socket has at most 107 bytes (unix(7)), and the cache's is as long as HOME makes it.
  const state = await mkdtemp("/tmp/bed-");
  try {
    await importInto(root, archive, state);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function importInto(root: string, archive: string, state: string): Promise<void> {
  const socket = join(state, "containerd.sock");
  await mkdir(root, { recursive: true });
  const config = join(state, "config.toml");
  await writeFile(config, containerdConfiguration(root, state, socket));
  const containerd = spawn("containerd", ["--config", config, "--log-level", "error"], { stdio: "ignore" });
  const identity = containerd.pid === undefined ? undefined : await identify(containerd.pid);
  if (identity === undefined) throw new Error("containerd did not start");
  try {
    const ask = async () => ((await succeeds("ctr", ["--address", socket, "version"])) ? true : undefined);
    const answered = await poll(ask, { everyMilliseconds: 100, forMilliseconds: 30_000 });
    if (answered === undefined) throw new Error("containerd did not answer");
    await run("ctr", ["--address", socket, "--namespace", "k8s.io", "images", "import", "--no-unpack", archive]);
  } finally {
    await end(identity);
  }
}

function containerdConfiguration(root: string, state: string, socket: string): string {
  return [
    "version = 2",
    `root = ${JSON.stringify(root)}`,
    `state = ${JSON.stringify(join(state, "run"))}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]',
    `[grpc]\n  address = ${JSON.stringify(socket)}`,
    "",
  ].join("\n");
}
