import { describeError } from "../../errors.ts";
import { type DeployedPlans, deployPlans } from "./bpmn-plans.ts";
import { connectFlowable, type Flowable, SERVICE } from "./flowable.ts";
import { listInstancesBelow, listTopInstances, type ProcessInstance, readHistory } from "./instances.ts";
import { type DeadJob, listDeadJobs, readStackTraces } from "./jobs.ts";

/** The Flowable engine, through its REST API, as Flowable's default account. */
export interface Engine {
  /** @returns `undefined` once the repository answers, else why it does not yet. */
  notReadyReason(): Promise<string | undefined>;
  /**
   * Deploys a zip of BPMN plans, unless the same zip is deployed already.
   * @throws Failure with Flowable's words if it refuses the zip.
   */
  deployPlans(path: string, zip: Uint8Array): Promise<DeployedPlans>;
  /** The newest instances that no other instance called, without variables. */
  listTopInstances(): Promise<readonly ProcessInstance[]>;
  /** An instance and all below it, at any depth, with their variables. */
  listInstancesBelow(top: ProcessInstance): Promise<readonly ProcessInstance[]>;
  /** The jobs of these instances that the engine gave up. */
  listDeadJobs(instances: readonly ProcessInstance[]): Promise<readonly DeadJob[]>;
  /** Every process instance with its variables; these hold secrets. */
  readHistory(): Promise<readonly ProcessInstance[]>;
  /** The stack traces of all jobs that the engine gave up. */
  readStackTraces(): Promise<readonly string[]>;
}

/** Opens the engine. @param base its address on this machine. */
export function openEngine(base: string, signal: AbortSignal): Engine {
  const flowable = connectFlowable(base, signal);
  return {
    notReadyReason: () => notReadyReason(flowable, signal),
    deployPlans: (path, zip) => deployPlans(path, zip, flowable),
    listTopInstances: () => listTopInstances(flowable),
    listInstancesBelow: (top) => listInstancesBelow(top, flowable),
    listDeadJobs: (instances) => listDeadJobs(new Set(instances.map(({ id }) => id)), flowable),
    readHistory: () => readHistory(flowable),
    readStackTraces: () => readStackTraces(flowable),
  };
}

async function notReadyReason(flowable: Flowable, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { status } = await flowable.request("/repository/deployments?size=1");
    return status === 200 ? undefined : `GET ${SERVICE}/repository/deployments: status ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    return describeError(error);
  }
}
