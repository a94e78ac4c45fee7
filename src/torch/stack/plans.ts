import type { CheckedCheckout } from "../checkout/checkout.ts";
import type { Engine } from "../clients/engine.ts";
import { checkRuns, type Running } from "./explain.ts";
import type { Waiting } from "./readiness.ts";

/** Deploys a checkout's plans. @returns the keys of their processes. @throws Failure, also if the engine has ended. */
export async function deployPlansTo(
  client: Engine,
  { plans, planBytes }: Pick<CheckedCheckout, "plans" | "planBytes">,
  running: Running,
  waiting: Waiting,
): Promise<readonly string[]> {
  const { processes, deployed } = await client.deployPlans(plans, planBytes).catch(async (error: unknown) => {
    await checkRuns(running, "while it took the BPMN plans", waiting);
    throw error;
  });
  waiting.log.info(`Flowable engine: ${processes.length} process(es) ${deployed ? "deployed" : "there already"}`);
  return processes;
}
