import { CommandError, type Exec } from "../exec.ts";
import { type DockerOptions, docker, linesOf, wroteTooMuch } from "./client.ts";

/** The paths that were added or changed in a container since it was created. */
export async function listChangedPaths(container: string, purpose: string, exec: Exec): Promise<readonly string[]> {
  const { stdout } = await docker(["diff", container], { timeoutSeconds: 60, purpose }, exec);
  return linesOf(stdout)
    .filter((line) => /^[AC] \//.test(line))
    .map((line) => line.slice(2));
}

/** A file of a container. */
export interface ContainerFile {
  readonly text: string;
  /** In milliseconds. */
  readonly writtenAt: number;
}

/**
 * Reads a file of a container, whether that runs or not: as an archive on a stream, so that nothing is unpacked here.
 * @returns `undefined` if it cannot be read, or is not a regular file.
 */
export async function readContainerFile(
  container: string,
  path: string,
  maxBytes: number,
  exec: Exec,
): Promise<ContainerFile | "too large" | undefined> {
  if (maxBytes <= BLOCK) return "too large";
  const options = {
    timeoutSeconds: 60,
    purpose: `reading ${path} of ${container}`,
    encoding: "latin1",
    maxOutputBytes: maxBytes,
  } as const;
  try {
    const { stdout } = await docker(["cp", `${container}:${path}`, "-"], options, exec);
    return readTarFile(Buffer.from(stdout, "latin1"));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return wroteTooMuch(error) ? "too large" : undefined;
  }
}

/** Copies a file, or what is in a folder (`folder/.`), to a path of a container; its parent exists. */
export async function copyToContainer(
  container: string,
  { path, target }: { readonly path: string; readonly target: string },
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  await docker(["cp", path, `${container}:${target}`], options, exec);
}

/**
 * Writes a file or a folder of a container, whether that runs or not, into an archive, which is not unpacked here.
 * @param maxOutputBytes of `options`: how large the archive may get.
 */
export async function saveFromContainer(
  container: string,
  { path, archive }: { readonly path: string; readonly archive: string },
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  await docker(["cp", `${container}:${path}`, "-"], { ...options, stdoutFile: archive }, exec);
}

/** Unpacks such an archive into a folder of a container, with the owners that it names. */
export async function loadIntoContainer(
  container: string,
  { archive, folder }: { readonly archive: string; readonly folder: string },
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  await docker(["cp", "-", `${container}:${folder}`], { ...options, stdinFile: archive }, exec);
}

const BLOCK = 512;

/** An archive of an empty folder, which is root's: gives a folder that is there this mode. */
export function packFolder(name: string, mode: number): string {
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const header = [
    name.padEnd(100, "\0"),
    ...[octal(mode, 8), octal(0, 8), octal(0, 8), octal(0, 12), octal(0, 12)],
    ...[" ".repeat(8), "5", "\0".repeat(100), "ustar\x0000"],
  ].join("");
  const sum = Buffer.from(header).reduce((total, byte) => total + byte, 0);
  const signed = `${header.slice(0, 148)}${octal(sum, 7)} ${header.slice(156)}`;
  return signed.padEnd(3 * BLOCK, "\0");
}

/** The regular file in an archive of one (POSIX ustar; extended headers are passed over). */
export function readTarFile(tar: Buffer): ContainerFile | undefined {
  const octal = (offset: number, length: number) =>
    Number.parseInt(tar.toString("latin1", offset, offset + length).replace(/[\0 ]+$/, ""), 8) || 0;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const size = Math.max(0, octal(at + 124, 12));
    const type = String.fromCharCode(tar[at + 156] ?? 0);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (type === "0" || type === "\0") return { text: body.toString(), writtenAt: octal(at + 136, 12) * 1000 };
    if (type !== "x" && type !== "g") return undefined;
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
