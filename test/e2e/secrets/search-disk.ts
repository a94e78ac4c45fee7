/*
 * Searches files of this machine, as root: it reads a request from standard input and prints what it found, both as JSON.
 * What was last changed before the request's time is left out, and so is what lies on another file system.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { DiskRequest } from "./disk.ts";
import { type Trace, traces } from "./traces.ts";

const MAX_BYTES = 512 * 1024 * 1024;
const request: DiskRequest = JSON.parse(await text(process.stdin));
const find = traces(
  request.secrets.map(({ name, parts }) => ({ name, parts: parts.map((part) => Buffer.from(part, "base64")) })),
);
const found: Trace[] = [];
const skipped: string[] = [];
let files = 0;

/** The new files below a folder. A machine may have millions of others: find passes over them within seconds. */
async function listNew(folder: string): Promise<readonly { readonly path: string; readonly size: number }[]> {
  const since = [request.byContentAlone ? "-newermt" : "-newerct", `@${request.since / 1000}`];
  const without = request.without.flatMap((path) => ["-path", path, "-prune", "-o"]);
  const child = spawn("find", [folder, "-xdev", ...without, "-type", "f", ...since, "-printf", "%s %p\\0"], {
    // It says what was removed meanwhile.
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = (await text(child.stdout)).split("\0").filter((line) => line !== "");
  return lines.map((line) => ({
    size: Number(line.slice(0, line.indexOf(" "))),
    path: line.slice(line.indexOf(" ") + 1),
  }));
}

async function searchFile(path: string, place: string, size: number): Promise<void> {
  if (size > MAX_BYTES) {
    skipped.push(place);
    return;
  }
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes !== undefined) found.push(...find(place, bytes));
  files += 1;
}

for (const { path: root, place } of request.roots) {
  // With a slash at its end: the root of a container is a link.
  for (const { path, size } of await listNew(`${root}/`)) {
    await searchFile(path, join(place, path.slice(root.length)), size);
  }
}
console.log(JSON.stringify({ found, skipped, files }));
