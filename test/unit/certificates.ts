import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs the openssl command: an independent check of our certificates. */
export async function openssl(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await execute("openssl", [...args], { cwd: folder });
  return stdout + stderr;
}

/** Makes a self-signed CA. */
export async function makeAuthority(folder: string, name: string): Promise<string> {
  const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`];
  await openssl(
    folder,
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    `/CN=${name}`,
    "-days",
    "2",
    ...files,
  );
  return await readFile(join(folder, `${name}.crt`), "utf8");
}

/** Has the CA sign a request as it is. */
export async function signRequest(folder: string, authority: string, request: string): Promise<string> {
  await writeFile(join(folder, "request.csr"), request);
  const by = ["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
  await openssl(folder, "x509", "-req", "-in", "request.csr", ...by, "-days", "1", "-out", "signed.crt");
  return await readFile(join(folder, "signed.crt"), "utf8");
}
