import { parse, stringify } from "yaml";
import { Failure } from "../errors.ts";

/** The admin's kubeconfig, taken apart. */
export interface AdminAccess {
  /** PEM. */
  readonly ca: string;
  /** PEM; a secret. */
  readonly clientKey: string;
  /** As it stands in the file; a secret. */
  readonly clientKeyData: string;
  /** As it stands in the file. */
  readonly clientCertificate: string;
}

interface Kubeconfig {
  readonly clusters?: readonly {
    readonly cluster?: { readonly "certificate-authority-data"?: string };
  }[];
  readonly users?: readonly {
    readonly user?: { readonly "client-key-data"?: string; readonly "client-certificate-data"?: string };
  }[];
}

function parseKubeconfig(text: string): Kubeconfig | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** Takes kubeadm's `admin.conf` apart. @throws Failure where it is not one. */
export function readAdminAccess(text: string): AdminAccess {
  const config = parseKubeconfig(text);
  const ca = config?.clusters?.[0]?.cluster?.["certificate-authority-data"];
  const { "client-key-data": clientKeyData, "client-certificate-data": clientCertificate } =
    config?.users?.[0]?.user ?? {};
  if (ca === undefined || clientKeyData === undefined || clientCertificate === undefined) {
    throw new Failure("The control plane's admin.conf lacks the cluster's CA, the admin's certificate or its key.");
  }
  return {
    clientCertificate,
    ca: Buffer.from(ca, "base64").toString(),
    clientKey: Buffer.from(clientKeyData, "base64").toString(),
    clientKeyData,
  };
}

/** The admin's kubeconfig for a client on this machine, under the names that kind gives cluster, user and context. */
export function adminKubeconfig(
  { ca, clientCertificate, clientKeyData }: AdminAccess,
  server: string,
  context: string,
): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: context, cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } },
    ],
    users: [
      { name: context, user: { "client-certificate-data": clientCertificate, "client-key-data": clientKeyData } },
    ],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    "current-context": context,
  });
}

/** A kubeconfig for the user that refers to the three files beside it, so that it can be handed on without a key. */
export function userKubeconfig(facts: {
  readonly context: string;
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: facts.cluster, cluster: { server: facts.server, "certificate-authority": "ca.crt" } }],
    users: [
      {
        name: facts.user,
        user: { "client-certificate": `${facts.user}-signed.crt`, "client-key": `${facts.user}.key` },
      },
    ],
    contexts: [{ name: facts.context, context: { cluster: facts.cluster, user: facts.user } }],
    "current-context": facts.context,
  });
}
