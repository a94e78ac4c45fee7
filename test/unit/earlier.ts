import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EarlierCredentials } from "../../src/credentials/earlier.ts";
import { credentialPaths } from "../../src/credentials/files.ts";
import { createKey, createRequest } from "../../src/credentials/key.ts";
import { userKubeconfig } from "../../src/credentials/kubeconfig.ts";
import { makeAuthority, signRequest } from "./certificates.ts";

/** Credentials of a cluster, as a step leaves them in a directory. openssl signs the certificate, for a day. */
export async function makeCredentials(
  directory: string,
  { cluster = "catania", user = "torch" }: Partial<Pick<EarlierCredentials, "cluster" | "user">> = {},
): Promise<EarlierCredentials> {
  const work = `${directory}-ca`;
  await Promise.all([directory, work].map((folder) => mkdir(folder, { recursive: true })));
  const ca = await makeAuthority(work, "kubernetes");
  const { privateKey, certificateRequest } = await createRequest(user, [], await createKey("ecdsa-p256"));
  const certificate = await signRequest(work, "kubernetes", certificateRequest);
  const paths = credentialPaths(directory, user);
  const server = "https://127.0.0.1:1";
  const kubeconfig = userKubeconfig({ context: `${user}@kind-${cluster}`, cluster, user, server });
  await Promise.all([
    writeFile(paths.ca, ca),
    writeFile(paths.certificate, certificate),
    writeFile(paths.privateKey, privateKey),
    writeFile(join(directory, `${user}.kubeconfig`), kubeconfig),
  ]);
  return { cluster, user, directory, ca, certificate, privateKey };
}
