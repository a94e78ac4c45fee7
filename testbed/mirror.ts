import { link, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { exists, sha256, writeWhole } from "./cache.ts";
import { readText } from "./image.ts";
import { mirrorFolder } from "./machine.ts";
import type { Tool } from "./tools.ts";

/** Serves kind under the path and with the checksum file of its official host, and returns the checksum. */
export async function serveKind(tool: Tool): Promise<string> {
  const file = join(mirrorFolder(), "dl", `v${tool.version}`, "kind-linux-amd64");
  return await serve(tool, file, `${file}.sha256sum`, (hex) => `${hex}  ${basename(file)}\n`);
}

/** The same for kubectl, whose official checksum file has the bare digest. */
export async function serveKubectl(tool: Tool): Promise<string> {
  const file = join(mirrorFolder(), "release", `v${tool.version}`, "bin/linux/amd64/kubectl");
  return await serve(tool, file, `${file}.sha256`, (hex) => hex);
}

async function serve(tool: Tool, file: string, sumFile: string, format: (hex: string) => string): Promise<string> {
  // The part's name ends in its key: the same part is not read again.
  const origin = `${file}.origin`;
  if ((await exists(sumFile)) && (await exists(origin)) && (await readText(origin)) === tool.file) {
    return (await readText(sumFile)).slice(0, 64);
  }
  const hex = await sha256(tool.file);
  await mkdir(dirname(file), { recursive: true });
  await rm(`${file}.new`, { force: true });
  await link(tool.file, `${file}.new`);
  await rename(`${file}.new`, file);
  await writeWhole(sumFile, format(hex));
  await writeWhole(origin, tool.file);
  return hex;
}
