import { normalize } from "node:path";
import { strFromU8, type Unzipped, unzipSync } from "fflate";
import type { Issue } from "../../values/issue.ts";
import { printable } from "../../values/text.ts";

/** Of everything in an archive together, unpacked. */
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;
const MAX_ENTRIES = 10_000;

/** The first words of the file that Git LFS leaves in place of one that it does not fetch. */
const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** Whether a file is a pointer of Git LFS, which does not fetch its files unless asked to (actions/checkout's default). */
export function isLfsPointer(bytes: Uint8Array): boolean {
  return bytes.length < 1024 && strFromU8(bytes).startsWith(LFS_POINTER);
}

/** Unpacks a zip archive in memory. @throws if it is not one, or too large. */
export function unpack(bytes: Uint8Array): Unzipped {
  let total = 0;
  let entries = 0;
  return unzipSync(bytes, {
    filter: ({ originalSize }) => {
      total += originalSize;
      entries += 1;
      if (entries > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
      if (total > MAX_UNPACKED_BYTES) throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      return true;
    },
  });
}

const META = "TOSCA-Metadata/TOSCA.meta";

/**
 * Finds the entry definition: the one that TOSCA.meta names, or the only YAML file at the root (TOSCA Simple Profile 1.3,
 * section 6.2).
 */
export function findEntry(
  files: Unzipped,
): { readonly entry: string } | { readonly issue: Pick<Issue, "reason" | "fix"> } {
  const meta = files[META];
  if (meta !== undefined) return findNamedEntry(strFromU8(meta), files);
  const [entry, ...others] = Object.keys(files).filter((name) => /^[^/]+\.ya?ml$/i.test(name));
  if (entry !== undefined && others.length === 0) return { entry };
  const reason = `has no ${META}, and ${entry === undefined ? "no YAML file" : "several YAML files"} at its root`;
  return { issue: { reason, fix: `add ${META} with Entry-Definitions` } };
}

function findNamedEntry(meta: string, files: Unzipped): ReturnType<typeof findEntry> {
  const written = /^Entry-Definitions:[ \t]*(.+?)[ \t]*\r?$/m.exec(meta)?.[1];
  const name = written?.replace(/^(["'])(.*)\1$/, "$2").replaceAll("\\", "/");
  const entry = name === undefined ? undefined : normalize(name);
  if (entry !== undefined && Object.hasOwn(files, entry)) return { entry };
  const reason =
    entry === undefined
      ? `does not name Entry-Definitions in ${META}`
      : `has no ${printable(entry)}, which ${META} names`;
  return { issue: { reason, fix: "name the template's file in Entry-Definitions" } };
}
