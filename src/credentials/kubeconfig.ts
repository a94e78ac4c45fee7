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
  readonly clusters: readonly {
    readonly cluster: { server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly { readonly user: { readonly "client-key-data": string } }[];
}

/** Takes kind's kubeconfig apart. @throws Failure where it is not one. */
export function readAdminAccess(text: string): AdminAccess {
  const config: Kubeconfig = parse(text);
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (cluster === undefined || user === undefined) throw new Failure("kind's kubeconfig has no cluster or no user.");
  return {
    server: cluster.server,
    ca: Buffer.from(cluster["certificate-authority-data"], "base64").toString(),
    clientKey: Buffer.from(user["client-key-data"], "base64").toString(),
    clientKeyData: user["client-key-data"],
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
  for (const { cluster } of config.clusters) cluster.server = server;
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
