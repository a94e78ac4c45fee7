import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { asRoot } from "../../privileges.ts";
import { sh } from "../harness.ts";
import type { Secret } from "./needles.ts";
import type { Trace } from "./traces.ts";

/** What search-disk.ts is asked. */
export interface DiskRequest {
  readonly secrets: readonly { readonly name: string; readonly parts: readonly string[] }[];
  /** Folders, and how what is in them is named. */
  readonly roots: readonly { readonly path: string; readonly place: string }[];
  /** Paths that are left out. */
  readonly without: readonly string[];
  /** Only files that were changed since then count, in milliseconds. */
  readonly since: number;
  /** Whether a file that was moved or copied with its old time counts as old: what Docker takes from an image is. */
  readonly byContentAlone: boolean;
}

/** What it found, and how many files it has read. */
export interface DiskResult {
  readonly found: readonly Trace[];
  /** Files that were too large to be read. */
  readonly skipped: readonly string[];
  readonly files: number;
}

/** Searches folders for secrets, as root: in a process of its own, which gets the secrets through a pipe. */
export async function searchDisk(
  secrets: readonly Secret[],
  request: Omit<DiskRequest, "secrets">,
): Promise<DiskResult> {
  const [file, args] = asRoot(process.execPath, [join(import.meta.dirname, "search-disk.ts")]);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const written = secrets.map(({ name, parts }) => ({ name, parts: parts.map((part) => part.toString("base64")) }));
  child.stdin.end(JSON.stringify({ ...request, secrets: written }));
  const printed = await text(child.stdout);
  return JSON.parse(printed);
}

/** The folders of Docker's volumes, and the whole file systems of its running containers, by their names. */
export async function dockerFolders(isOwn: (name: string) => boolean): Promise<DiskRequest["roots"]> {
  const lines = async (...args: readonly string[]) =>
    (await sh("docker", args)).split("\n").filter((line) => line !== "");
  const volumes = await lines("volume", "ls", "--quiet");
  const places =
    volumes.length === 0 ? [] : await lines("volume", "inspect", "--format={{.Name}} {{.Mountpoint}}", ...volumes);
  const ids = await lines("ps", "--quiet");
  const containers =
    ids.length === 0 ? [] : await lines("inspect", "--format={{slice .Name 1}} {{.State.Pid}}", ...ids);
  const split = (line: string) => line.split(" ") as [string, string];
  return [
    ...places.map(split).map(([name, path]) => ({ path, place: `volume ${name}` })),
    ...containers
      .map(split)
      .filter(([name]) => isOwn(name))
      .map(([name, pid]) => ({ path: `/proc/${pid}/root`, place: `container ${name}` })),
  ];
}
