import {
  type ComponentEnd,
  findContainerdFault,
  findKubeletEnds,
  LIST_CONTAINERS,
  parseContainers,
  type SeenContainer,
  sameWords,
} from "../diagnosis/components.ts";
import { describeEndedNodes, findEndedNodes } from "../diagnosis/ended-nodes.ts";
import { execInContainer } from "../docker/containers.ts";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";

/** A node's container. */
export interface WatchedNode {
  readonly id: string;
  readonly name: string;
}

/** A container of the control plane that was restarted. */
interface Restarted {
  /** The number of the current one. */
  readonly attempt: number;
  readonly words: string;
  /** How many in a row ended in the same way. */
  readonly ends: number;
}

/** The restarted containers that the looks have seen so far, by node and name. */
export type RestartedContainers = Map<string, Restarted>;

/** The last lines of both journals in base64, a line each, and the containers: in one command, as each costs. */
const LOOK = `
journal() { journalctl --no-pager --output=cat --unit="$1.service" --lines=1000 | base64 -w0; echo; }
journal kubelet; journal containerd
${LIST_CONTAINERS}`;

/** Finds what has ended on a node so far, and remembers in `restarted` what it has seen. */
export async function findComponentEnds(
  node: WatchedNode,
  restarted: RestartedContainers,
  exec: Exec,
): Promise<readonly ComponentEnd[]> {
  const output = await lookAtNode(node, exec);
  const [kubelet = "", containerd = ""] = output.split("\n", 2).map((text) => Buffer.from(text, "base64").toString());
  const listed = output.split("\n").slice(2).join("\n");
  return [
    ...findServiceEnds(node.name, { kubelet, containerd }),
    ...findContainerEnds(node.name, parseContainers(listed), restarted),
  ];
}

/**
 * The output of a look; empty where the node is not up yet, or is being removed.
 * @throws Failure where its container has ended: nothing starts it again, and what waits for it waits in vain.
 */
async function lookAtNode({ id, name }: WatchedNode, exec: Exec): Promise<string> {
  const options = { timeoutSeconds: 30, purpose: `looking at ${name}` };
  try {
    return (await execInContainer(id, ["bash", "-c", LOOK], options, exec)).stdout;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const ended = await findEndedNodes([{ id, name }], exec);
    if (ended.length === 0) return "";
    const { cause, fix } = describeEndedNodes(ended);
    throw new Failure(cause, { fix });
  }
}

/** The services that ended, by their journals. */
function findServiceEnds(
  node: string,
  journals: { readonly kubelet: string; readonly containerd: string },
): readonly ComponentEnd[] {
  const fault = findContainerdFault(journals.containerd);
  const kubelet = findKubeletEnds(journals.kubelet);
  return [
    ...(fault === undefined ? [] : [{ component: "containerd", node, ends: Number.POSITIVE_INFINITY, words: fault }]),
    ...(kubelet === undefined ? [] : [{ component: "kubelet", node, ...kubelet }]),
  ];
}

/** The containers that ended, with how often each did in the same way over all looks. */
export function findContainerEnds(
  node: string,
  containers: readonly SeenContainer[],
  restarted: RestartedContainers,
): readonly ComponentEnd[] {
  return containers
    .filter(({ attempt }) => attempt > 0)
    .map((container) => {
      const key = `${node}/${container.name}`;
      const counted = countEnds(container, restarted.get(key));
      restarted.set(key, counted);
      return { component: container.name, node, ends: counted.ends, words: counted.words };
    });
}

function countEnds({ attempt, ended, current }: SeenContainer, before: Restarted | undefined): Restarted {
  if (before !== undefined && before.attempt >= attempt) return before;
  // A kubelet may keep only the last log.
  const words = ended === "" ? current : ended;
  const isSame =
    sameWords(current, ended) ||
    (before !== undefined && [ended, current].some((each) => sameWords(before.words, each)));
  return { attempt, words, ends: isSame ? (before?.ends ?? 1) + 1 : 1 };
}
