import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

export function cacheFolder(): string {
  const own = process.env.BED_CACHE;
  if (own) return own;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kind-torch-bed");
}

/** The files that are copied into parts: images, programs, manifests. */
export const dataFolder = join(import.meta.dirname, "data");

/** The digest of a file or of all files below a folder: an ingredient. */
export async function fingerprint(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return await sha256(path);
  const names = (await readdir(path)).sort();
  const lines = await Promise.all(names.map(async (name) => `${name} ${await fingerprint(join(path, name))}`));
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** Writes a file so that readers see the old content or the new, never half of it. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.new`;
  await writeFile(unfinished, content);
  await rename(unfinished, file);
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
