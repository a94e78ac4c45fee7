import { unknown } from "valibot";
import { tryJson } from "../../values/json.ts";
import { NODE_INFO, type ProcessInstance } from "../clients/instances.ts";
import type { DeadJob } from "../clients/jobs.ts";

/** The state of a node. */
export interface NodeState {
  readonly node: string;
  /** As TORCH writes it (`CREATING`, `STARTED`, `ERROR`, ...); `waiting` if TORCH has not written one yet. */
  readonly status: string;
  readonly reason: string;
}

/** The state of a deployment: why it failed, or whether every node is started. */
export type Verdict = { readonly failed: string } | { readonly started: boolean };

/** The status of a node for which TORCH has not written one yet. */
export const WAITING = "waiting";
export const STARTED = "STARTED";

/**
 * Judges a deployment by its instances and failed jobs in the engine.
 * @param instances the instance that was launched, first, and all below it.
 */
export function judge(
  template: string,
  states: readonly NodeState[],
  instances: readonly ProcessInstance[],
  dead: readonly DeadJob[],
): Verdict {
  const failed = states.find(({ status }) => status === "ERROR");
  if (failed !== undefined) return { failed: `The node ${failed.node} of ${template} is in ERROR: ${failed.reason}` };
  if (states.every(({ status }) => status === STARTED)) return { started: true };
  const waits = states.filter(({ status }) => status !== STARTED);
  for (const { node, status } of waits) {
    const own = instances.filter((instance) => isNode(instance, node, instances));
    const [last] = own.slice(-1);
    if (last === undefined || own.some(({ endTime }) => endTime === null)) continue;
    return {
      failed: `The process of the node ${node} of ${template} ended (${describeEnd(last)}) and left it ${status}.`,
    };
  }
  const [job] = dead;
  if (job !== undefined) {
    const cause = job.cause === undefined || job.cause === job.message ? "" : ` (${job.cause})`;
    return { failed: `The deployment of ${template} stopped in the engine: ${job.message}${cause}` };
  }
  const [top] = instances;
  if (top !== undefined && top.endTime !== null) {
    const names = waits.map(({ node, status }) => `${node} (${status})`).join(", ");
    return { failed: `The deployment of ${template} ended (${describeEnd(top)}) without ${names}.` };
  }
  return { started: false };
}

function describeEnd({ deleteReason }: ProcessInstance): string {
  return deleteReason ?? "as its plan says";
}

/** Whether an instance belongs to a node: it is named after it, and the one that was launched called it. */
function isNode(
  { name, superProcessInstanceId }: NodeInstance,
  node: string,
  [top]: readonly Pick<ProcessInstance, "id">[],
): boolean {
  return name === node && superProcessInstanceId === top?.id;
}

type NodeInstance = Pick<ProcessInstance, "id" | "name" | "superProcessInstanceId" | "variables">;

/**
 * Reads each node's status from the last process that is named after it: from its variable `nodeInfo`, an object or JSON.
 * @param instances the instance that was launched, first, and all below it.
 */
export function readNodeStates(nodes: readonly string[], instances: readonly NodeInstance[]): readonly NodeState[] {
  return nodes.map((node) => {
    const own = instances.findLast((instance) => isNode(instance, node, instances));
    const info = parseObject(own?.variables.find((variable) => variable.name === NODE_INFO)?.value);
    const attributes = parseObject(info.nodeAttributes);
    const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
    return {
      node,
      status: text(attributes.status)?.toUpperCase() ?? WAITING,
      reason: text(attributes.status_reason) ?? "no reason is given",
    };
  });
}

/** An object, or one written as JSON; an empty one if it is neither. */
function parseObject(value: unknown): Readonly<Record<string, unknown>> {
  const read = typeof value === "string" ? tryJson(unknown(), value) : value;
  return typeof read === "object" && read !== null ? { ...read } : {};
}
