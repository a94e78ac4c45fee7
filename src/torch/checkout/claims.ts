import { relative } from "node:path";
import { listContainerIds, nameFilter } from "../../docker/containers.ts";
import type { Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import { findPortsInUse, type HostPort } from "../../host/ports.ts";
import { COMPONENTS, type PerComponent } from "../components.ts";
import { listPublishedPorts } from "../compose/service.ts";
import type { Checkout } from "./checkout.ts";

/** The host ports that the components publish, each with the compose file that it is in, from the checkout's root. */
function listPorts({ root, components }: Checkout) {
  return Object.values(COMPONENTS).flatMap(({ name }) => {
    const source = relative(root, components[name].composeFile);
    return listPublishedPorts(components[name]).map((port) => ({ port, source }));
  });
}

/** Ports that two of the components, or the cluster and a component, would both publish. */
export function checkSharedPorts(checkout: Checkout, clusterPorts: readonly HostPort[]): readonly Problem[] {
  const users = listPorts(checkout);
  const ofCluster = clusterPorts.filter(({ protocol }) => protocol === "tcp");
  const all = [...ofCluster.map(({ port, source }) => ({ port, source: `kind-config: ${source}` })), ...users];
  return users.flatMap(({ port, source }) => {
    const other = all.find((user) => user.port === port && user.source !== source);
    // Two components that publish the same port are one problem.
    if (other === undefined || (users.some((user) => user === other) && other.source > source)) return [];
    return [
      {
        input: "torch",
        value: `${source}: ${port}`,
        reason: `publishes port ${port}, and so does ${other.source}`,
        allowed: "a different host port for each",
        fix: "publish another port in the compose file or in kind-config",
      },
    ];
  });
}

/** Ports of the components that something on this machine listens on. */
export async function checkPorts(checkout: Checkout): Promise<readonly Problem[]> {
  const wanted = listPorts(checkout).map(({ port, source }) => ({
    address: "127.0.0.1",
    port,
    protocol: "tcp" as const,
    source,
    addressWritten: false,
  }));
  const taken = await findPortsInUse(wanted);
  return taken.map(({ port, source }) => ({
    input: "torch",
    value: `${source}: ${port}`,
    reason: `publishes port ${port}, which is already in use on this machine`,
    allowed: "ports that are free on 127.0.0.1",
    fix: "stop what uses the port in an earlier step, or publish another port in the compose file",
  }));
}

/** Names of the components' containers that other containers have. */
export async function checkNames(containers: PerComponent<string>, exec: Exec): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const container of Object.values(containers)) {
    const options = { timeoutSeconds: 30, purpose: `looking for ${container}` };
    const found = await listContainerIds([nameFilter(container)], options, exec).catch((error: unknown) => {
      // That Docker does not answer is reported elsewhere.
      if (error instanceof CommandError) return [];
      throw error;
    });
    if (found.length === 0) continue;
    problems.push({
      input: "cluster-name",
      value: container,
      reason: "is the name of an existing container that one of TORCH-V2's would have",
      allowed: "names that are free on this machine",
      fix: "remove that container in an earlier step, or choose another cluster-name",
    });
  }
  return problems;
}
