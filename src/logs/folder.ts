import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../errors.ts";
import { withoutSecrets, withoutSecretsInJson } from "../runner/mask.ts";
import { makeFolders } from "../values/files.ts";

/** Held by this module alone, so that no other one can pass files of its own for collected ones. */
const COLLECTED = Symbol("collected");

/** A folder of files that were collected: the only way from what others wrote to an artifact. */
export interface LogFolder {
  readonly [COLLECTED]: true;
  readonly path: string;
  /** The files in it, by their paths: what was put there, and nothing that lies there besides. */
  readonly files: readonly string[];
  /**
   * Writes a text without secrets, its end where it is long.
   * @param place names of folders and the file, which others may have chosen.
   */
  keep(place: readonly string[], text: string): Promise<void>;
  /** The same with JSON. */
  keepJson(place: readonly string[], value: unknown): Promise<void>;
}

/** Of each file no more than this is kept: its end. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** What is cut off is looked at as far as this, so that a secret at the cut is seen whole. */
const MARGIN = 64 * 1024;
const MAX_NAME = 150;
const MAX_SAME_NAMES = 100;

/** Creates a folder with a name that cannot be guessed, readable only by its owner. @returns its path. */
export async function makeLogFolder(parent: string, name: string): Promise<string> {
  return await mkdtemp(join(parent, `${name}-`));
}

/**
 * Opens a folder that {@link makeLogFolder} has created, or one within it.
 * @param before the files that were collected into it before, by main.
 */
export function openLogFolder(path: string, within: readonly string[] = [], before: readonly string[] = []): LogFolder {
  const files: string[] = [...before];
  const write = async (place: readonly string[], text: string) => {
    const names = [...within, ...place].map(toFileName);
    const folder = join(path, ...names.slice(0, -1));
    await makeFolders(folder, 0o700);
    files.push(await writeNew(folder, names.at(-1) ?? "log", text));
  };
  return {
    [COLLECTED]: true,
    path,
    files,
    keep: (place, text) => write(place, withoutSecrets(text.slice(-MAX_CHARACTERS - MARGIN)).slice(-MAX_CHARACTERS)),
    keepJson: (place, value) => write(place, JSON.stringify(withoutSecretsInJson(value), null, 1)),
  };
}

/** Writes a file that is not there yet, never through a link: two names that look alike get a number each. */
async function writeNew(folder: string, name: string, text: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const path = join(folder, number === 1 ? name : `${number}-${name}`);
    try {
      await writeFile(path, text, { flag: "wx", mode: 0o600 });
      return path;
    } catch (error) {
      if (errorCode(error) !== "EEXIST" || number === MAX_SAME_NAMES) throw error;
    }
  }
}

/** A name as that of one file: no folder, no link to a parent, nothing that a shell or an archive would act on. */
export function toFileName(name: string): string {
  const plain = name.replace(/[^\w.@-]+/g, "_").slice(-MAX_NAME);
  return /^[.-]*$/.test(plain) ? `_${plain.replaceAll(".", "_")}` : plain.replace(/^[.-]+/, "_");
}
