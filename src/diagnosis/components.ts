/** How often a component of a node has ended by itself, and what it said last. */
export interface ComponentEnd {
  /** `kubelet`, `containerd`, or a control plane's container. */
  readonly component: string;
  readonly node: string;
  readonly ends: number;
  readonly words: string;
}

/**
 * What ended this often in the same way does not come up; a slow one ends because another is missing, and says so. systemd
 * restarts the kubelet after a second, the kubelet a container after 10 s and more.
 */
const SAME_ENDS_OF_KUBELET = 5;
const SAME_ENDS = 2;

/** What says that another component was not there yet: a slow machine's words. */
const WAITS =
  /connection refused|connection reset|i\/o timeout|deadline exceeded|timed? ?out|unavailable|not ready|leader|\blease|\bEOF\b|healthy|no route to host|connect: /i;

/** The component that does not come up, of those that have ended; `undefined` if it may only be slow. */
export function findFailedComponent(ends: readonly ComponentEnd[]): ComponentEnd | undefined {
  return ends.find(({ component, ends: count, words }) => {
    const least = component === "kubelet" ? SAME_ENDS_OF_KUBELET : SAME_ENDS;
    return count >= least && words !== "" && !WAITS.test(words);
  });
}

/** Two ends are the same if only times and numbers differ. */
export function sameWords(a: string, b: string): boolean {
  const plain = (words: string) => words.replace(/\d+/g, "#");
  return a !== "" && plain(a) === plain(b);
}

/**
 * The error with which the kubelet ended last, and how often it ended with the same one, in its unit's journal: the last
 * error before each line in which systemd says that it ended.
 */
export function findKubeletEnds(journal: string): { readonly ends: number; readonly words: string } | undefined {
  const ends: string[] = [];
  let error = "";
  let continues = false;
  for (const line of journal.split("\n")) {
    if (/Main process exited, code=exited, status=[1-9]/.test(line)) {
      ends.push(error);
      error = "";
    } else if (/^[EF]\d{4} |^Error: /.test(line)) {
      continues = line.endsWith("<");
      error = describeKlog(line);
    } else if (continues && /^\s+\S/.test(line)) {
      // klog puts a value of several lines between < and >.
      continues = line.trim() !== ">";
      if (continues) error = `${error} ${line.trim()}`.trim();
    }
  }
  const words = ends.at(-1);
  if (words === undefined) return undefined;
  return { ends: ends.filter((each) => sameWords(each, words)).length, words: words.slice(0, MAX_WORDS) };
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

/** A control plane's container that was restarted, at one look. */
export interface SeenContainer {
  readonly name: string;
  /** How many there were before the one that is there now. */
  readonly attempt: number;
  /** The error of the one before it, which has ended, and of this one, which may run. */
  readonly ended: string;
  readonly current: string;
}

/**
 * In a node: each control plane's container that was restarted, with its number, and the beginnings and ends of its last
 * two logs in base64. The kubelet numbers the logs by attempt, and keeps those of the last container that ended (its
 * `/var/log/pods`).
 */
export const LIST_CONTAINERS = `
cd /var/log/pods 2>/dev/null || exit 0
for folder in kube-system_*/etcd kube-system_*/kube-{apiserver,controller-manager,scheduler}; do
  [ -d "$folder" ] || continue
  last=$(ls "$folder" | sed -n 's/^\\([0-9]*\\)\\.log$/\\1/p' | sort -n | tail -n 1)
  [ "\${last:-0}" -gt 0 ] || continue
  end() { { head -c 2000 "$folder/$1.log"; echo; tail -c 4000 "$folder/$1.log"; } 2>/dev/null | base64 -w0; }
  printf '%s %s %s %s\\n' "\${folder##*/}" "$last" "$(end $((last - 1)) || true)." "$(end "$last")."
done`;

/** Reads the lines of that; what has another form is skipped. */
export function parseContainers(output: string): readonly SeenContainer[] {
  return output.split("\n").flatMap((line) => {
    const [, name, attempt, ended, current] =
      /^(etcd|kube-[a-z-]+) (\d+) ([A-Za-z0-9+/=]*)\. ([A-Za-z0-9+/=]*)\.$/.exec(line) ?? [];
    if (name === undefined || ended === undefined || current === undefined) return [];
    const words = (log: string) => findErrorLine(withoutCriHeads(Buffer.from(log, "base64").toString()));
    return [{ name, attempt: Number(attempt), ended: words(ended), current: words(current) }];
  });
}

/** A container's log as the program wrote it: the runtime puts time, stream and a flag before each line. */
function withoutCriHeads(log: string): string {
  return log.replace(/^\S+ (?:stdout|stderr) [FP] /gm, "");
}

const MAX_WORDS = 600;

/** The line in which a program says why it ends: the last that mentions an error, without klog's head. */
export function findErrorLine(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const error = lines.findLast((line) =>
    /^[EF]\d{4} |\berror\b|\bfailed\b|\bfatal\b|no such file|not defined|unknown|invalid|"level":"(?:error|fatal)"/i.test(
      line,
    ),
  );
  const line = error ?? lines.at(-1) ?? "";
  return (/^[EF]\d{4} /.test(line) ? describeKlog(line) : line).slice(0, MAX_WORDS);
}

/** What a line of klog says, without its head: of an error with a cause, both. */
function describeKlog(line: string): string {
  const text = line.replace(/^[EF]\d{4} [\d:.]+\s+\d+ \S+\] /, "");
  const [, message = "", cause = ""] = /^"((?:[^"\\]|\\.)*)" err=(.*)$/.exec(text) ?? [];
  const plain = cause.replace(/^<$/, "").replace(/^"(.*?)"(?: \w+=.*)?$/, "$1");
  const withCause = message === "command failed" ? plain : `${message}: ${plain}`;
  return (message === "" ? text : withCause).replaceAll('\\"', '"').trim();
}

/** Where a configuration has a word of an error: its line, counted from 1, and that line. */
export function findInConfiguration(
  words: string,
  configuration: string,
): { readonly line: number; readonly text: string } | undefined {
  const lines = configuration.split("\n");
  // Names and paths: plain words are in every error.
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
