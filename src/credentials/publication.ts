import { copyFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CredentialPaths, makeDirectory } from "./files.ts";
import { encryptKey } from "./key.ts";

/** Only this module has it: files that may be published are chosen here. */
const PUBLIC = Symbol("public");

/** Files that everyone who can read the repository may read. */
export interface PublicFiles {
  readonly [PUBLIC]: true;
  readonly directory: string;
  readonly files: readonly string[];
}

/**
 * The files of the credential artifact: the CA, the certificate and the kubeconfig that refers to files. Everyone
 * who can read the repository can read an artifact, so the key is only included if a passphrase encrypts it.
 */
export async function gatherPublicFiles(
  paths: CredentialPaths,
  encrypted: { readonly privateKey: string; readonly passphrase: string; readonly directory: string } | undefined,
): Promise<PublicFiles> {
  const open = [paths.ca, paths.certificate, paths.userKubeconfig];
  if (encrypted === undefined) return { [PUBLIC]: true, directory: paths.directory, files: open };
  await makeDirectory(encrypted.directory);
  const copies = await Promise.all(
    open.map(async (path) => {
      const copy = join(encrypted.directory, basename(path));
      await copyFile(path, copy);
      return copy;
    }),
  );
  const key = join(encrypted.directory, `${basename(paths.privateKey, ".key")}.encrypted.key`);
  await writeFile(key, encryptKey(encrypted.privateKey, encrypted.passphrase), { mode: 0o600 });
  return { [PUBLIC]: true, directory: encrypted.directory, files: [...copies, key] };
}
