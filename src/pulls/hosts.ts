import type { PullPlan } from "./plan.ts";

/** Where containerd looks for what it knows about a registry's hosts, in a node: kind's own choice of the folder. */
export const CERTS_FOLDER = "/etc/containerd/certs.d";

/** Where a kubelet looks for the credentials of registries, in a node. */
export const KUBELET_CREDENTIALS = "/var/lib/kubelet/config.json";

/**
 * Has containerd read that folder, which only 2.2 and later do by themselves (its plugins/cri/images, from kind 0.31 on),
 * beside Docker's. It is in the form of version 2, as kind's own configuration is with containerd 2 too, which takes it over
 * (configMigration), of version 3 as well. In a configuration of its own, latest version it would be a key that nothing reads.
 */
export const CERTS_PATCH = `[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "${CERTS_FOLDER}"\n`;

/** A file of the folder: `docker.io/hosts.toml`. */
export interface HostsFile {
  /** The folder's name: the registry's, as image references have it. */
  readonly registry: string;
  readonly text: string;
}

/** What containerd is to know about registries (containerd's docs/hosts.md). */
export function renderHosts({ registry, mirrors }: PullPlan): readonly HostsFile[] {
  const byRegistry = Map.groupBy(mirrors, (mirror) => mirror.registry);
  const own = registry === undefined ? [] : [registry.address, registry.inNetwork];
  return [
    ...own.map((name) => ({ registry: name, text: renderOwn(`http://${registry?.inNetwork}`) })),
    ...[...byRegistry].map(([name, some]) => ({
      registry: name,
      text: [...new Set(some.map(({ url }) => url))].map(renderMirror).join("\n"),
    })),
  ];
}

/** The server is the same as the host, so that an error is the registry's own; containerd 1.7 does not take it alone. */
function renderOwn(url: string): string {
  return `server = ${quote(url)}\n\n${renderMirror(url)}`;
}

/** A mirror has no other use than to pull. What its path begins with is the API's root already where that is /v2. */
function renderMirror(url: string): string {
  const isRoot = /^\/v2(?:\/|$)/.test(new URL(url).pathname);
  return `[host.${quote(url)}]\n  capabilities = ["pull", "resolve"]\n${isRoot ? "  override_path = true\n" : ""}`;
}

/** A string of TOML: what JSON escapes, TOML does. */
function quote(text: string): string {
  return JSON.stringify(text);
}
