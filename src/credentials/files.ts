import { lstat, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../errors.ts";
import { exists, holdFolder, makeFolders } from "../values/files.ts";

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

/** The files that exist already: they are not the run's, and are not overwritten. */
export async function findPresentFiles(paths: CredentialPaths): Promise<readonly string[]> {
  const missing = await findMissingFiles(credentialFiles(paths));
  return credentialFiles(paths).filter((path) => !missing.includes(path));
}

/** The files that do not exist. A dangling link exists: nothing can be written in its place. */
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

/** The folders on the way to a directory that do not exist yet, innermost first. */
export async function findMissingFolders(directory: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = directory; !(await exists(folder)); folder = dirname(folder)) missing.push(folder);
  return missing;
}

/** Creates a directory if it does not exist, readable by its owner alone. */
export async function makeDirectory(directory: string): Promise<void> {
  await makeFolders(directory, 0o700);
}

/** Removes the files that exist. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

/** Removes the files that exist and are empty. */
export async function removeEmptyFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true && found.size === 0) await rm(path);
  }
}

/** A file to write. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** Whether only its owner may read it. */
  readonly secret: boolean;
}

/** Writes new files into one folder; an existing file is not overwritten. */
export async function writeNewFiles(
  directory: string,
  files: readonly NewFile[],
  check: (real: string) => Promise<void>,
): Promise<void> {
  // The folder that is checked is the one that is written to, even if links on the way to it change.
  const folder = await holdFolder(directory);
  try {
    await check(folder.real);
    await Promise.all(files.map((file) => writeNewFile(file, folder.at(basename(file.path)))));
  } finally {
    await folder.close();
  }
}

/**
 * Writes a new file; an existing one is not overwritten.
 * @param place the path to write to, if it is not the one that messages name.
 */
export async function writeNewFile({ path, text, secret }: NewFile, place = path): Promise<void> {
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
