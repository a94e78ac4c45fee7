import { literal, looseTuple, object, safeParse, strictTuple, string } from "valibot";
import { parse, stringify } from "yaml";
import { Failure } from "../errors.ts";
import { clusterName, userName } from "../values/names.ts";
import { contextName } from "../values/nodes.ts";
import { readYamlText } from "../values/yaml.ts";

/** What gives the admin access, from the admin's kubeconfig. */
export interface AdminAccess {
  /** PEM. */
  readonly ca: string;
  /** PEM; a secret. */
  readonly clientKey: string;
  /** As it is in the file; a secret. */
  readonly clientKeyData: string;
  /** As it is in the file. */
  readonly clientCertificate: string;
}

/** What is read of a kubeconfig (client-go's `Config`, v1): the first cluster and the first user. */
const adminConf = object({
  clusters: looseTuple([object({ cluster: object({ "certificate-authority-data": string() }) })]),
  users: looseTuple([object({ user: object({ "client-key-data": string(), "client-certificate-data": string() }) })]),
});

/** Reads kubeadm's `admin.conf`. @throws Failure if it is not one. */
export function readAdminAccess(text: string): AdminAccess {
  const read = safeParse(adminConf, tryYaml(text));
  if (!read.success) {
    throw new Failure("The control plane's admin.conf lacks the cluster's CA, the admin's certificate or its key.", {
      fix: "set node-image to an image that the catalog lists for this kind release",
    });
  }
  const [{ cluster }] = read.output.clusters;
  const [{ user }] = read.output.users;
  return {
    clientCertificate: user["client-certificate-data"],
    ca: Buffer.from(cluster["certificate-authority-data"], "base64").toString(),
    clientKey: Buffer.from(user["client-key-data"], "base64").toString(),
    clientKeyData: user["client-key-data"],
  };
}

function tryYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
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

/** A kubeconfig for the user that refers to the three files next to it, so that it can be passed on without a key. */
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

/** The names in a kubeconfig of {@link userKubeconfig}. */
export interface UserKubeconfig {
  readonly cluster: string;
  readonly user: string;
}

const userConfig = object({
  clusters: strictTuple([object({ name: string(), cluster: object({ "certificate-authority": literal("ca.crt") }) })]),
  users: strictTuple([
    object({ name: string(), user: object({ "client-certificate": string(), "client-key": string() }) }),
  ]),
  contexts: strictTuple([object({ name: string(), context: object({ cluster: string(), user: string() }) })]),
  "current-context": string(),
});

/** Reads a kubeconfig of a user; `undefined` if it has not the form in which {@link userKubeconfig} writes it. */
export function readUserKubeconfig(text: string, fileName: string): UserKubeconfig | undefined {
  const yaml = readYamlText(text, { uniqueKeys: true });
  const read = safeParse(userConfig, "issues" in yaml ? undefined : yaml.value);
  if (!read.success) return undefined;
  const [{ name: cluster }] = read.output.clusters;
  const [{ name: user, user: files }] = read.output.users;
  const [{ name: context, context: names }] = read.output.contexts;
  if ("issue" in clusterName(cluster) || "issue" in userName(user)) return undefined;
  const agrees =
    fileName === `${user}.kubeconfig` &&
    files["client-certificate"] === `${user}-signed.crt` &&
    files["client-key"] === `${user}.key` &&
    context === `${user}@${contextName(cluster)}` &&
    read.output["current-context"] === context &&
    names.cluster === cluster &&
    names.user === user;
  return agrees ? { cluster, user } : undefined;
}
