import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the password of the account at the dashboard is kept until post: what is collected must not hold it. */
export function accountPasswordPath(runDirectory: string): string {
  return join(runDirectory, "torch-password");
}

/** The secrets that TORCH-V2 gets to see: the credential files in PEM that are there, and the account's password. */
export async function readSecrets(
  credentialFiles: readonly string[],
  runDirectory: string,
): Promise<readonly string[]> {
  const read = (path: string) => readFile(path, "utf8").catch(() => "");
  const [password = "", ...texts] = await Promise.all(
    [accountPasswordPath(runDirectory), ...credentialFiles].map(read),
  );
  return [...texts.filter((text) => text.startsWith("-----BEGIN ")), ...(password === "" ? [] : [password])];
}
