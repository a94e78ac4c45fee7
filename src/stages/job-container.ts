import type { StepContext } from "../context.ts";
import { createKindNetwork } from "../docker/kind-network.ts";
import { connectContainer, KIND_NETWORK } from "../docker/networks.ts";
import { joiningContainer } from "../docker/site.ts";

/**
 * Has the container that this step runs in join kind's network, where the steps of its job reach the cluster by its nodes'
 * names. Without effect where the step is in no container, or in the network of the engine's machine.
 */
export async function joinKindNetwork(context: StepContext): Promise<void> {
  const { host, exec } = context;
  if (joiningContainer(host.site) === undefined) return;
  if (host.kindGateway === undefined) await createKindNetwork(exec);
  await joinNetwork(context, KIND_NETWORK);
}

/** Has the container that this step runs in join a network, which post has it leave. One that it is in already stays. */
export async function joinNetwork({ host, journal, exec, log }: StepContext, network: string): Promise<void> {
  const { site } = host;
  const container = joiningContainer(site);
  if (container === undefined || site.kind !== "container" || site.networks.includes(network)) return;
  const networks = [...(journal.state.joined?.networks ?? []), network];
  journal.update({ joined: { container, networks } });
  await connectContainer(network, container, exec);
  log.info(`The job's container ${site.name} is in Docker's network ${network}`);
}
