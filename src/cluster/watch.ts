import { type ComponentEnd, findFailedComponent, findInConfiguration } from "../diagnosis/components.ts";
import { listClusterContainers } from "../docker/cluster-containers.ts";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { pause } from "../poll.ts";
import { loadBalancerName } from "../values/nodes.ts";
import { findComponentEnds, type RestartedContainers } from "./component-ends.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

/** A healthy cluster is past this stage at the first look; each look costs it processor time. */
const FIRST_LOOK_SECONDS = 14;
const NEXT_LOOK_SECONDS = 4;

/** Once the API server answers, only nodes that join can fail. */
const LATE_LOOK_SECONDS = 10;

/** How many nodes a look takes in turn beside the first control plane: sixteen at once keep two cores busy. */
const OTHERS_AT_ONCE = 2;

/** The nodes of a look: always the first control plane, and the others in turn. */
export function selectNodes<T extends { readonly name: string }>(nodes: readonly T[], look: number): readonly T[] {
  const [first, ...others] = nodes.toSorted((a, b) => a.name.localeCompare(b.name));
  if (first === undefined || others.length <= OTHERS_AT_ONCE) return nodes;
  const start = (look * OTHERS_AT_ONCE) % others.length;
  return [first, ...[...others, ...others].slice(start, start + OTHERS_AT_ONCE)];
}

/** The cluster that is watched while kubeadm waits. */
export interface WatchedCluster {
  readonly ownership: Ownership;
  /** The user's kind configuration as it was written, where there is one. */
  readonly configuration: string | undefined;
  /** Whether the API server has answered. */
  readonly isServing: () => boolean;
}

/**
 * Watches the nodes while kubeadm waits for them, up to four minutes, and ends the wait as soon as it is in vain. The
 * evidence is what ended, never how long something takes. Resolves when the signal ends it.
 * @throws Failure with the failing component's own message.
 */
export async function watchNodes(
  { ownership, configuration, isServing }: WatchedCluster,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const restarted: RestartedContainers = new Map();
  for (let look = 0; ; look += 1) {
    const next = isServing() ? LATE_LOOK_SECONDS : NEXT_LOOK_SECONDS;
    const wait = look === 0 ? FIRST_LOOK_SECONDS : next;
    await pause(wait * 1000, signal).catch(() => undefined);
    if (signal.aborted) return;
    const failing = findFailedComponent(await lookAtNodes(ownership, look, restarted, exec));
    if (failing !== undefined && !signal.aborted) throw describeEnd(failing, configuration);
  }
}

function describeEnd({ component, node, ends, words }: ComponentEnd, configuration: string | undefined): Failure {
  const place = configuration === undefined ? undefined : findInConfiguration(words, configuration);
  const where = place === undefined ? "" : `\nkind-config has it in line ${place.line}: ${place.text}`;
  const what = component === "containerd" ? "cannot run pods" : `keeps ending: ${ends} times in the same way`;
  return new Failure(
    `The control plane cannot come up: ${component} on ${node} ${what}. Its message:\n  ${words}${where}`,
    {
      fix: configuration === undefined ? "look at the collected logs of that node" : "fix that part of kind-config",
      retryable: configuration === undefined,
    },
  );
}

/**
 * What has ended on the nodes of a look. An engine that does not answer now has nothing to report.
 * @throws Failure where a node itself has ended.
 */
async function lookAtNodes(
  ownership: Ownership,
  look: number,
  restarted: RestartedContainers,
  exec: Exec,
): Promise<readonly ComponentEnd[]> {
  try {
    const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
    const nodes = own.filter(({ name }) => name !== loadBalancerName(ownership.cluster));
    const ends = selectNodes(nodes, look).map((node) => findComponentEnds(node, restarted, exec));
    return (await Promise.all(ends)).flat();
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}
