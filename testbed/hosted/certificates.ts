import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../command.ts";

/** Makes a CA that lives for a day, and a certificate of it for these names: `ca.crt`, `server.crt`, `server.key`. */
export async function makeCertificates(folder: string, names: readonly string[]): Promise<void> {
  const file = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const of = ["-CA", file("ca.crt"), "-CAkey", file("ca.key")];
  await run("openssl", [
    "req",
    "-x509",
    ...key,
    "-subj",
    "/CN=test CA",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
  ]);
  await writeFile(
    file("server.cnf"),
    [
      "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no",
      "[dn]\nCN=official names",
      "[ext]\nbasicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth",
      `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}\n`,
    ].join("\n"),
  );
  const request = ["-config", file("server.cnf"), "-keyout", file("server.key"), "-out", file("server.crt")];
  await run("openssl", ["req", "-x509", ...key, ...of, ...request]);
  await chmod(file("ca.crt"), 0o644);
}
