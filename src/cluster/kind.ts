import type { Exec } from "../exec.ts";
import type { HostPort } from "../host/ports.ts";
import type { Log } from "../runner/log.ts";
import { asList, isRecord, type UserConfiguration } from "./config/read.ts";

/**
 * kind's arguments for a cluster. Nodes are retained on failure, or the evidence is deleted with them; readiness is
 * ours to judge, so kind does not wait.
 */
export function createArgs(cluster: string, kubeconfig: string): readonly string[] {
  return [
    "create",
    "cluster",
    "--name",
    cluster,
    "--kubeconfig",
    kubeconfig,
    "--config",
    "-",
    "--retain",
    "--wait",
    "0s",
  ];
}

/** Makes the cluster. @throws CommandError with kind's own words. */
export async function createCluster(
  kind: string,
  cluster: string,
  configuration: string,
  kubeconfig: string,
  exec: Exec,
  log: Pick<Log, "info" | "debug">,
  signal: AbortSignal,
): Promise<void> {
  let saysFarewell = false;
  await exec({
    file: kind,
    args: createArgs(cluster, kubeconfig),
    stdin: configuration,
    timeoutSeconds: 1200,
    purpose: "creating the cluster",
    onLine: (line) => {
      // What follows tells a person at a terminal how to use a kubeconfig that later steps do not get.
      saysFarewell ||= line.startsWith("Set kubectl context");
      if (saysFarewell) return;
      // A step that is done says its name again; the cluster's own is the group's.
      if (/^\s*[✓✗]|^WARN/.test(line)) log.info(line.trim());
      else log.debug(line);
    },
    signal,
  });
}

/** kubeadm's kubeconfig of the admin, as soon as it is written in the control plane's container. */
export async function readAdminConf(controlPlane: string, exec: Exec): Promise<string> {
  const { stdout } = await exec({
    file: "docker",
    args: ["exec", controlPlane, "cat", "/etc/kubernetes/admin.conf"],
    timeoutSeconds: 60,
    purpose: "reading the admin's kubeconfig from the control plane",
  });
  return stdout;
}

const PROTOCOLS = ["tcp", "udp", "sctp"] as const;

/**
 * The ports of this machine that a user's configuration asks for; random ones (0, -1) are not among them. Protocols in
 * any case, and the address where none is set, are as kind has them (v1alpha4/yaml.go, generatePortMappings).
 */
export function findHostPorts(user: UserConfiguration | undefined, apiServerAddress: string): readonly HostPort[] {
  if (user === undefined) return [];
  const everyAddress = user.networking.ipFamily === "ipv6" ? "::" : "0.0.0.0";
  const ports: HostPort[] = [];
  const add = (address: unknown, port: unknown, protocol: unknown, source: string) => {
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) return;
    const known = PROTOCOLS.find((each) => each === String(protocol || "tcp").toLowerCase());
    if (known === undefined) return;
    const written = typeof address === "string" && address !== "";
    ports.push({
      address: written ? address : everyAddress,
      port,
      protocol: known,
      source,
      addressWritten: written,
    });
  };
  add(apiServerAddress, user.networking.apiServerPort, "tcp", "networking.apiServerPort");
  for (const [index, node] of user.nodes.entries()) {
    for (const [position, mapping] of asList(node.extraPortMappings).entries()) {
      if (!isRecord(mapping)) continue;
      const source = `nodes.${index}.extraPortMappings.${position}.hostPort`;
      add(mapping.listenAddress, mapping.hostPort, mapping.protocol, source);
    }
  }
  return ports;
}
