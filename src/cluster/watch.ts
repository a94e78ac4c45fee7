import { setTimeout as sleep } from "node:timers/promises";
import {
  type ComponentEnd,
  findContainerdFault,
  findInConfiguration,
  findKubeletEnds,
  judgeEnds,
  LIST_CONTAINERS,
  parseContainers,
  sameWords,
} from "../diagnosis/components.ts";
import { listClusterContainers } from "../docker/containers.ts";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { loadBalancerName } from "../values/nodes.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

/** A cluster that comes up is further than this when the first look is due; each look costs it some of the processors. */
const FIRST_LOOK_SECONDS = 14;
const NEXT_LOOK_SECONDS = 4;

/** Once the API server answers, only nodes that join can fail. */
const LATE_LOOK_SECONDS = 10;

/** So many nodes are looked at beside the first control plane, in turn: looking at sixteen at once keeps two cores busy. */
const OTHERS_AT_ONCE = 2;

/** The nodes of a look: the first control plane always, the others in turn. */
export function selectLooked<T extends { readonly name: string }>(nodes: readonly T[], look: number): readonly T[] {
  const [first, ...others] = nodes.toSorted((a, b) => a.name.localeCompare(b.name));
  if (first === undefined || others.length <= OTHERS_AT_ONCE) return nodes;
  const start = (look * OTHERS_AT_ONCE) % others.length;
  return [first, ...[...others, ...others].slice(start, start + OTHERS_AT_ONCE)];
}

/** What is looked at while kubeadm waits. */
export interface WatchedCluster {
  readonly ownership: Ownership;
  /** The user's kind configuration as it was written, where there is one. */
  readonly configuration: string | undefined;
  /** Whether the API server has answered. */
  readonly isServing: () => boolean;
}

/**
 * Looks at the nodes while kubeadm waits for them, which it does for four minutes, and ends the wait as soon as it is in
 * vain. The evidence is what ended, never how long something takes.
 * @throws Failure in the failing component's own words. Resolves when the signal ends it.
 */
export async function watchNodes(
  { ownership, configuration, isServing }: WatchedCluster,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const seen: Seen = new Map();
  for (let look = 0; ; look += 1) {
    if (signal.aborted) return;
    const next = isServing() ? LATE_LOOK_SECONDS : NEXT_LOOK_SECONDS;
    const wait = look === 0 ? FIRST_LOOK_SECONDS : next;
    await sleep(wait * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const failing = judgeEnds(await lookAtNodes(ownership, look, seen, exec));
    if (failing !== undefined && !signal.aborted) throw describeEnd(failing, configuration);
  }
}

function describeEnd({ component, node, ends, words }: ComponentEnd, configuration: string | undefined): Failure {
  const place = configuration === undefined ? undefined : findInConfiguration(words, configuration);
  const where = place === undefined ? "" : `\nkind-config has it in line ${place.line}: ${place.text}`;
  const what =
    component === "containerd"
      ? "does not run pods"
      : `does not stay up: it ended ${ends} times, each time in the same way`;
  return new Failure(
    `The control plane cannot come up: ${component} on ${node} ${what}. Its words:\n  ${words}${where}`,
    {
      fix: configuration === undefined ? "look at the collected logs of that node" : "correct that part of kind-config",
      retryable: configuration === undefined,
    },
  );
}

/** What the components of this run's nodes ended with so far. An engine that does not answer now says nothing. */
async function lookAtNodes(
  ownership: Ownership,
  look: number,
  seen: Seen,
  exec: Exec,
): Promise<readonly ComponentEnd[]> {
  try {
    const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
    const nodes = selectLooked(
      own.filter(({ name }) => name !== loadBalancerName(ownership.cluster)),
      look,
    );
    const looks = await Promise.all(nodes.map(({ id, name }) => lookAtNode(id, name, seen, exec)));
    return looks.flat();
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

/** The containers that have ended, by node and name: how many in a row in the same way, and the last one's number. */
type Seen = Map<string, { readonly attempt: number; readonly words: string; readonly ends: number }>;

/** The last lines of both journals in base64, a line each, and the containers: in one command, since each costs. */
const LOOK = `
journal() { journalctl --no-pager --output=cat --unit="$1.service" --lines=1000 | base64 -w0; echo; }
journal kubelet; journal containerd
${LIST_CONTAINERS}`;

/** What one node's components ended with so far. */
async function lookAtNode(id: string, node: string, seen: Seen, exec: Exec): Promise<readonly ComponentEnd[]> {
  const args = ["exec", id, "bash", "-c", LOOK];
  const output = await exec({ file: "docker", args, timeoutSeconds: 30, purpose: `looking at ${node}` }).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      // One that is not up yet, or is being removed.
      if (error instanceof CommandError) return "";
      throw error;
    },
  );
  const [journals, listed] = [output.split("\n", 2), output.split("\n").slice(2).join("\n")];
  const [kubelet = "", containerd = ""] = journals.map((text) => Buffer.from(text, "base64").toString());
  const fault = findContainerdFault(containerd);
  const ofKubelet = findKubeletEnds(kubelet);
  const ends: ComponentEnd[] = [
    ...(fault === undefined ? [] : [{ component: "containerd", node, ends: Number.POSITIVE_INFINITY, words: fault }]),
    ...(ofKubelet === undefined ? [] : [{ component: "kubelet", node, ...ofKubelet }]),
  ];
  for (const { name, attempt, ended, current } of parseContainers(listed)) {
    if (attempt === 0) continue;
    const key = `${node}/${name}`;
    const before = seen.get(key);
    if (before === undefined || before.attempt < attempt) {
      // A kubelet may keep no log but the last one.
      const words = ended === "" ? current : ended;
      const again = before !== undefined && [ended, current].some((each) => sameWords(before.words, each));
      seen.set(key, { attempt, words, ends: again || sameWords(current, ended) ? (before?.ends ?? 1) + 1 : 1 });
    }
    const { ends: count, words } = seen.get(key) ?? { ends: 0, words: "" };
    ends.push({ component: name, node, ends: count, words });
  }
  return ends;
}
