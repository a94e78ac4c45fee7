import { execInContainer } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import type { HostPort } from "../host/ports.ts";
import { withRunFile } from "../run-folder.ts";
import type { Log } from "../runner/log.ts";
import { asList, isRecord } from "../values/data.ts";
import type { UserConfiguration } from "./config/read.ts";

/** A cluster's name, and the files of its create. */
export interface CreateFiles {
  readonly cluster: string;
  /** Where kind writes a kubeconfig: never the user's own, and never the one that later steps get. */
  readonly kubeconfig: string;
  readonly configuration: string;
}

/**
 * kind's arguments for a cluster. Nodes are retained on failure, or the evidence is deleted with them; readiness is
 * ours to judge, so kind does not wait.
 */
export function createArgs({ cluster, kubeconfig, configuration }: CreateFiles): readonly string[] {
  const options = ["--name", cluster, "--kubeconfig", kubeconfig, "--config", configuration];
  return ["create", "cluster", ...options, "--retain", "--wait", "0s"];
}

/** What kind is to create. */
export interface KindRequest {
  /** Path of the program. */
  readonly kind: string;
  readonly cluster: string;
  /** kind's configuration. */
  readonly configuration: string;
  readonly kubeconfig: string;
  readonly runDirectory: string;
  /** What kind's own environment has besides. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Creates the cluster. @throws CommandError with kind's own words. */
export async function createCluster(
  { kind, cluster, configuration, kubeconfig, runDirectory, environment = {} }: KindRequest,
  {
    exec,
    log,
    signal,
    onConfigured,
  }: {
    readonly exec: Exec;
    readonly log: Pick<Log, "info" | "debug">;
    readonly signal: AbortSignal;
    /** Called when each node's containerd runs, and is not restarted any more. */
    readonly onConfigured: () => void;
  },
): Promise<void> {
  const logLine = logKindLines(log);
  await withRunFile(runDirectory, { name: "kind.yaml", text: configuration }, (path) =>
    exec({
      file: kind,
      args: createArgs({ cluster, kubeconfig, configuration: path }),
      timeoutSeconds: 1200,
      purpose: "creating the cluster",
      env: environment,
      onLine: (line) => {
        if (isAfterConfiguration(line)) onConfigured();
        logLine(line);
      },
      signal,
    }),
  );
}

/**
 * Whether a line of kind's says that the nodes run and have their configuration. Before that kind restarts the containerd
 * of each node for which the user has patches (its pkg/cluster/internal/create/actions/config).
 */
export function isAfterConfiguration(line: string): boolean {
  return /^\s*✓ Writing configuration/u.test(line);
}

function logKindLines(log: Pick<Log, "info" | "debug">): (line: string) => void {
  let saysFarewell = false;
  return (line) => {
    // What follows tells a person at a terminal how to use a kubeconfig that later steps do not get.
    saysFarewell ||= line.startsWith("Set kubectl context");
    if (saysFarewell) return;
    // A step that is done says its name again; the cluster's own is the group's.
    if (/^\s*[✓✗]|^WARN/.test(line)) log.info(line.trim());
    else log.debug(line);
  };
}

/** kubeadm's kubeconfig of the admin, as soon as it is written in the control plane's container. */
export async function readAdminConf(controlPlane: string, exec: Exec): Promise<string> {
  const options = { timeoutSeconds: 60, purpose: "reading the admin's kubeconfig from the control plane" };
  return (await execInContainer(controlPlane, ["cat", "/etc/kubernetes/admin.conf"], options, exec)).stdout;
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
