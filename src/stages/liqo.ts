import type { Creation } from "../cluster/create.ts";
import type { StepContext } from "../context.ts";
import { refuseSharedSubnets } from "../liqo/simultaneous.ts";

/** A cluster that was created at the same time may have got the same subnets: looked for as soon as all containers are there. */
export async function checkNeighbours(
  { inputs, plan, exec }: StepContext,
  { configured, signal }: Creation,
): Promise<void> {
  if (!inputs.liqo) return;
  await configured;
  await refuseSharedSubnets(plan.shape, exec, signal);
}
