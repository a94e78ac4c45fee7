import { parse, stringify } from "yaml";
import { Failure } from "../failure.ts";

/** The admin's kubeconfig, taken apart. */
export interface AdminAccess {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  /** PEM; a secret. */
  readonly clientKey: string;
  /** As it stands in the file; a secret. */
  readonly clientKeyData: string;
}

interface Kubeconfig {
  readonly clusters?: readonly {
    readonly cluster?: { server?: string; readonly "certificate-authority-data"?: string };
  }[];
  readonly users?: readonly { readonly user?: { readonly "client-key-data"?: string } }[];
}

function parseKubeconfig(text: string): Kubeconfig | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** Takes kind's kubeconfig apart. @throws Failure where it is not one. */
export function readAdminAccess(text: string): AdminAccess {
  const config = parseKubeconfig(text);
  const cluster = config?.clusters?.[0]?.cluster;
  const { server, "certificate-authority-data": ca } = cluster ?? {};
  const clientKeyData = config?.users?.[0]?.user?.["client-key-data"];
  if (server === undefined || ca === undefined || clientKeyData === undefined) {
    throw new Failure("kind's kubeconfig lacks the server, its CA or the admin's key.");
  }
  return {
    server,
    ca: Buffer.from(ca, "base64").toString(),
    clientKey: Buffer.from(clientKeyData, "base64").toString(),
    clientKeyData,
  };
}

/**
 * The external endpoint as a client can use it: an unspecified address is where a server listens, not where one
 * connects, and the plan put loopback into the certificate for it.
 */
export function externalEndpoint(server: string): string {
  return server.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

/** Puts another server into a kubeconfig. */
export function withServer(kubeconfig: string, server: string): string {
  const config: Kubeconfig = parse(kubeconfig);
  for (const { cluster } of config.clusters ?? []) if (cluster !== undefined) cluster.server = server;
  return stringify(config);
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
