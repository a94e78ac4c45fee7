import { array, looseObject, nullish, optional, string, unknown } from "valibot";
import { type Flowable, PAGE, SERVICE } from "./flowable.ts";
import { readJavaString } from "./java.ts";

/** The variable in which TORCH keeps a node. */
export const NODE_INFO = "nodeInfo";

const HISTORY = "/history/historic-process-instances";

/** How deep instances may be nested below the one that a deployment starts; TORCH's own are four levels deep. */
const MAX_DEPTH = 10;

/** A process instance with its variables, as Flowable's history has it. */
export interface ProcessInstance {
  readonly id: string;
  readonly name: string | null;
  readonly superProcessInstanceId: string | null;
  /** `null` while it runs. */
  readonly endTime: string | null;
  /** Why it ended, if it did not end as its plan says: `ERROR_EVENT DUCreateError`. */
  readonly deleteReason: string | null;
  readonly variables: readonly ProcessVariable[];
}

/** A variable: its value as the engine gives it, or (for a Java object) the address of its bytes. */
export interface ProcessVariable {
  readonly name: string;
  readonly value?: unknown;
  readonly valueUrl?: string | null | undefined;
}

/** Fields that have no name here are kept: the collected history has all that the engine knows. */
const INSTANCE = looseObject({
  id: string(),
  name: nullish(string(), null),
  superProcessInstanceId: nullish(string(), null),
  endTime: nullish(string(), null),
  deleteReason: nullish(string(), null),
  variables: nullish(
    array(looseObject({ name: string(), value: optional(unknown()), valueUrl: nullish(string()) })),
    () => [],
  ),
});

/** The newest instances that no other instance called, without variables. */
export async function listTopInstances(flowable: Flowable): Promise<readonly ProcessInstance[]> {
  const newestFirst = { sort: "startTime", order: "desc" };
  return await flowable.list(INSTANCE, HISTORY, { excludeSubprocesses: "true", ...newestFirst, ...PAGE });
}

/** An instance and all below it, at any depth, with their variables. */
export async function listInstancesBelow(
  top: ProcessInstance,
  flowable: Flowable,
): Promise<readonly ProcessInstance[]> {
  const list = (query: Readonly<Record<string, string>>) =>
    flowable.list(INSTANCE, HISTORY, { ...query, includeProcessVariables: "true" });
  const found: ProcessInstance[] = [];
  let level: readonly ProcessInstance[] = await list({ processInstanceId: top.id });
  for (let depth = 0; level.length > 0 && depth < MAX_DEPTH; depth += 1) {
    const below = await Promise.all(level.map(({ id }) => list({ superProcessInstanceId: id, ...PAGE })));
    found.push(...level);
    level = below.flat();
  }
  return await Promise.all(found.map((instance) => readNodeInfo(instance, flowable)));
}

/** Every process instance with its variables; these hold secrets. */
export async function readHistory(flowable: Flowable): Promise<readonly ProcessInstance[]> {
  return await flowable.list(INSTANCE, HISTORY, { includeProcessVariables: "true", ...PAGE });
}

async function readNodeInfo(instance: ProcessInstance, flowable: Flowable): Promise<ProcessInstance> {
  const variables = instance.variables.map((variable) =>
    variable.name === NODE_INFO ? readVariable(variable, flowable) : variable,
  );
  return { ...instance, variables: await Promise.all(variables) };
}

/** A text that Flowable keeps as a Java object comes without a value: its bytes have an address of their own. */
async function readVariable(variable: ProcessVariable, flowable: Flowable): Promise<ProcessVariable> {
  const { value, valueUrl } = variable;
  if (value !== null && value !== undefined) return variable;
  const path = valueUrl?.split(SERVICE)[1];
  if (path === undefined) return variable;
  const { status, bytes } = await flowable.request(path);
  return status === 200 ? { ...variable, value: readJavaString(bytes) ?? null } : variable;
}
