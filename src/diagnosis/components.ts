/** How often a component of a node has ended by itself, and what it said last. */
export interface ComponentEnd {
  /** `kubelet`, `containerd`, or a control plane's container. */
  readonly component: string;
  readonly node: string;
  readonly ends: number;
  readonly words: string;
}

/** What one look at a node tells of its control plane's containers. */
export interface SeenContainer {
  readonly name: string;
  readonly id: string;
  /** How many there were before it. */
  readonly attempt: number;
  readonly exited: boolean;
}

/**
 * What ended this often in the same way does not come up; a slow one ends for want of another, and says so. systemd starts
 * the kubelet again after a second, the kubelet a container after 10 s and more.
 */
const SAME_ENDS_OF_KUBELET = 5;
const SAME_ENDS = 2;

/** What says that another component was not there yet: a slow machine's words. */
const WAITS =
  /connection refused|connection reset|i\/o timeout|deadline exceeded|timed? ?out|unavailable|not ready|leader|lease|\bEOF\b|healthy|no route to host|connect: /i;

/** The containers of the control plane in `crictl ps --all --output=json`; none where it is not that. */
export function parseContainers(json: string): readonly SeenContainer[] {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    return [];
  }
  const list: unknown = Object(read).containers;
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const { id, metadata, state } = Object(each);
    const { name, attempt = 0 } = Object(metadata);
    if (typeof name !== "string" || typeof id !== "string" || !/^(?:etcd|kube-[a-z-]+)$/.test(name)) return [];
    return [{ name, id, attempt: Number(attempt), exited: state === "CONTAINER_EXITED" }];
  });
}

/** The error with which the kubelet ended last, and how often it ended with the same one, in its journal. */
export function findKubeletEnds(journal: string): { readonly ends: number; readonly words: string } | undefined {
  const errors = journal.split("\n").flatMap((line) => /"command failed" err="(.*)"\s*$/.exec(line)?.[1] ?? []);
  const last = errors.at(-1);
  if (last === undefined) return undefined;
  const words = last.replaceAll('\\"', '"');
  return { ends: errors.filter((error) => error === last).length, words };
}

/** Why containerd cannot run pods, in its own words: a plugin that did not load is not tried again. */
export function findContainerdFault(journal: string): string | undefined {
  for (const line of journal.split("\n")) {
    if (!/failed to load plugin/.test(line) || !/io\.containerd\.(?:grpc|cri)\.v1\.(?:cri|images|runtime)/.test(line))
      continue;
    const words = /error="((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? /error=(.*)$/.exec(line)?.[1];
    if (words !== undefined && !/skip/i.test(words)) return words.replaceAll('\\"', '"');
  }
  return undefined;
}

/** The line in which a program says why it ends: its last that speaks of an error, without klog's head. */
export function findLastWords(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const telling = lines.findLast((line) =>
    /^[EF]\d{4} |\berror\b|\bfailed\b|\bfatal\b|no such file|unknown|invalid|"level":"(?:error|fatal)"/i.test(line),
  );
  return (telling ?? lines.at(-1) ?? "").replace(/^[IWEF]\d{4} [\d:.]+\s+\d+ /, "").slice(0, 600);
}

/** The component that does not come up, of those that have ended; `undefined` where it may be slow. */
export function judgeEnds(ends: readonly ComponentEnd[]): ComponentEnd | undefined {
  return ends.find(({ component, ends: count, words }) => {
    const least = component === "kubelet" ? SAME_ENDS_OF_KUBELET : SAME_ENDS;
    return count >= least && words !== "" && !WAITS.test(words);
  });
}

/** Where a configuration has a word of an error: its line, counted from 1, and that line. */
export function findInConfiguration(
  words: string,
  configuration: string,
): { readonly line: number; readonly text: string } | undefined {
  const lines = configuration.split("\n");
  // Names and paths: plain words stand in every error.
  const tokens = [...new Set(words.match(/[\w./:-]{5,}/g) ?? [])]
    .map((token) => token.replace(/^[.:-]+|[.:]+$/g, ""))
    .filter((token) => /[A-Z\d./_-]/.test(token) && !/^(?:E\d+|run\.go.*|v\d.*)$/.test(token))
    .toSorted((a, b) => b.length - a.length);
  for (const token of tokens) {
    const at = lines.findIndex((line) => line.includes(token) && !/^\s*(?:kind|apiVersion|- role|role):/.test(line));
    if (at !== -1) return { line: at + 1, text: (lines[at] ?? "").trim() };
  }
  return undefined;
}
