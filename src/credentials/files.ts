import { access, lstat, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../errors.ts";
import { holdFolder } from "../inputs/places.ts";

/** The paths of the credential files, under the names that the guide gives them. */
export interface CredentialPaths {
  readonly directory: string;
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly userKubeconfig: string;
}

/** Where the files of a user lie in a directory. */
export function credentialPaths(directory: string, user: string): CredentialPaths {
  return {
    directory,
    ca: join(directory, "ca.crt"),
    certificate: join(directory, `${user}-signed.crt`),
    privateKey: join(directory, `${user}.key`),
    userKubeconfig: join(directory, `${user}.kubeconfig`),
  };
}

/** The files of a set, the directory left out. */
export function credentialFiles(paths: CredentialPaths): readonly string[] {
  return [paths.ca, paths.certificate, paths.privateKey, paths.userKubeconfig];
}

/** Those of the files that are there already: they are not the run's, and are not written over. */
export async function findPresentFiles(paths: CredentialPaths): Promise<readonly string[]> {
  const missing = await findMissingFiles(credentialFiles(paths));
  return credentialFiles(paths).filter((path) => !missing.includes(path));
}

/** Those of the files that are not there. A link to nowhere is there: nothing can be written in its place. */
export async function findMissingFiles(paths: readonly string[]): Promise<readonly string[]> {
  const present = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_, index) => present[index] === false);
}

/** The folders on the way to a directory that are not there yet, innermost first. */
export async function findMissingFolders(directory: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = directory; !(await exists(folder)); folder = dirname(folder)) missing.push(folder);
  return missing;
}

/** Makes a directory, readable by its owner alone where it was not there. */
export async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Removes files, those that are there. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/** Removes files that are there and empty. */
export async function removeEmptyFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true && found.size === 0) await rm(path);
  }
}

/** Writes new files into one folder, secret ones for their owner alone; one that is there is not written over. */
export async function writeNewFiles(
  directory: string,
  files: readonly { readonly path: string; readonly text: string; readonly secret: boolean }[],
  check: (real: string) => Promise<void>,
): Promise<void> {
  // What is checked is what is written to, whatever becomes of the links on the way.
  const folder = await holdFolder(directory);
  try {
    await check(folder.real);
    await Promise.all(
      files.map(({ path, text, secret }) => writeNewFile(path, text, secret, folder.at(basename(path)))),
    );
  } finally {
    await folder.close();
  }
}

/**
 * Writes a new file, a secret one for its owner alone; one that is there is not written over.
 * @param place the path that it is written at, where that is another one than messages call it by.
 */
export async function writeNewFile(path: string, text: string, secret: boolean, place = path): Promise<void> {
  try {
    await writeFile(place, text, { flag: "wx", mode: secret ? 0o600 : 0o644 });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(place, path) : String(error);
    throw new Failure(`${path} cannot be written: ${reason}`, {
      fix: "choose a credentials-directory that this user may write to",
      cause: error,
    });
  }
}
