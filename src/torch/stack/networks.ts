import { createNetwork, findGateway, KIND_NETWORK } from "../../docker/networks.ts";
import { poll } from "../../poll.ts";
import type { TorchPlan } from "../plan.ts";
import type { StackTools } from "./request.ts";

const POLL_MILLISECONDS = 300;

/** Creates the run's own network, and waits for kind's, which kind creates with the cluster. */
export async function prepareNetworks(
  { labels, network, endpoint }: TorchPlan,
  { exec, join, tasks: { signal } }: Pick<StackTools, "exec" | "join" | "tasks">,
): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: "creating TORCH-V2's network", signal };
  await createNetwork(network, labels, options, exec);
  await join(network);
  if (endpoint !== "internal") return;
  await poll(() => findGateway(KIND_NETWORK, exec), { everyMilliseconds: POLL_MILLISECONDS, signal });
}
