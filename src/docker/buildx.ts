import type { Exec } from "../exec.ts";
import { type DockerOptions, docker } from "./client.ts";

/** The driver of the builder that is in use, such as `docker`; `undefined` if buildx does not name it. */
export async function findBuilderDriver(options: DockerOptions, exec: Exec): Promise<string | undefined> {
  const { stdout } = await docker(["buildx", "inspect"], options, exec);
  return /^Driver:\s*(\S+)/m.exec(stdout)?.[1];
}

/** The name of the engine's own builder, of the driver `docker`: that of the client's context. */
export async function findOwnBuilder(options: DockerOptions, exec: Exec): Promise<string> {
  const { stdout } = await docker(["context", "show"], options, exec);
  return stdout.trim();
}

/** Builds what a definition asks for. @param args options and targets. */
export async function bake(
  definition: string,
  args: readonly string[],
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  await docker(["buildx", "bake", `--file=${definition}`, ...args], options, exec);
}
