import { CLOCK_FIX, NO_SUBNET_FIX, NO_SUBNET_LEFT } from "../errors.ts";
import { INOTIFY_LIMITS, inputOf } from "../host/inotify.ts";
import type { Connectivity } from "./connectivity.ts";
import { describeEndedNodes } from "./ended-nodes.ts";
import type { Symptoms } from "./symptoms.ts";

/** A named cause and its fix. */
export interface Diagnosis {
  readonly cause: string;
  readonly fix: string;
  /** Whether the same may work a moment later. */
  readonly retryable?: true;
}

/** What lines of an output mean. */
interface Rule {
  /** Where the lines are looked for: in what kind or kubectl ended with, or in what the nodes said too. */
  readonly source: "error" | "words";
  readonly matches: (line: string) => boolean;
  /** The cause, or how it is found from the lines that match; `undefined` if it is another one after all. */
  readonly diagnosis: Diagnosis | ((lines: readonly string[], symptoms: Symptoms) => Diagnosis | undefined);
}

/** An admission webhook by its name (apiserver's pkg/admission/plugin/webhook/errors). */
const WEBHOOK = /failed calling webhook "([^"]{1,253})"/;

/** The first rule that finds a cause counts. */
const RULES: readonly Rule[] = [
  {
    source: "words",
    matches: isAboutInotify,
    diagnosis: diagnoseInotify,
  },
  {
    source: "error",
    matches: (line) => NAME_IN_USE.test(line),
    diagnosis: ([line = ""]) => ({
      cause: `Something else created a container with the name of a node, ${NAME_IN_USE.exec(line)?.[1]}, while this step was preparing.`,
      fix: "use a different cluster-name for each run on this machine, or remove that container",
    }),
  },
  {
    source: "error",
    matches: (line) => /already exist for a cluster/i.test(line),
    diagnosis: {
      cause: "Something else created a cluster of this name while this step was preparing.",
      fix: "use a different cluster-name for each run on this machine",
    },
  },
  {
    source: "error",
    matches: (line) =>
      /unable to decode config|invalid configuration|invalid \w+ subnet|failed to apply .*patch/i.test(line),
    diagnosis: {
      cause: "kind does not accept the kind configuration.",
      fix: "fix the field that kind names in kind-config; it is read by the kind release that the log names",
    },
  },
  {
    // Only in kind's own words: a component inside a node may say the same of a port of its own.
    source: "error",
    matches: (line) => /address already in use|port is already allocated/i.test(line),
    diagnosis: diagnosePort,
  },
  {
    source: "error",
    matches: (line) => NO_SUBNET_LEFT.test(line),
    diagnosis: {
      cause: "Docker has no subnet left for another network.",
      fix: NO_SUBNET_FIX,
    },
  },
  {
    source: "error",
    matches: (line) => WEBHOOK.test(line),
    diagnosis: ([line = ""]) => ({
      cause: `The cluster has an admission webhook, ${WEBHOOK.exec(line)?.[1]}, that the API server could not ask.`,
      fix: "have what answers that webhook run before it is configured, install it after this step, or give it failurePolicy: Ignore and a short timeoutSeconds",
    }),
  },
  {
    source: "error",
    matches: (line) => /certificate has expired or is not yet valid/i.test(line),
    diagnosis: {
      cause: "This machine's clock and that of Docker Engine's machine differ: a new certificate is not valid here.",
      fix: CLOCK_FIX,
    },
  },
  {
    source: "words",
    // The kernel says the same of inotify watches.
    matches: (line) => /no space left on device|disk quota exceeded/i.test(line) && !isAboutInotify(line),
    diagnosis: {
      cause: "The disk on which Docker keeps its data is full.",
      fix: "free disk space in an earlier step (docker system prune), or use a runner with a larger disk",
    },
  },
];

/** Names the cause of a cluster that did not come up, if the symptoms point to one. */
export function diagnose(symptoms: Symptoms): Diagnosis | undefined {
  return diagnoseWords(symptoms) ?? diagnoseEnded(symptoms);
}

/** What has ended, where no words say why. */
function diagnoseEnded({ error, ended = [] }: Symptoms): Diagnosis | undefined {
  if (ended.length > 0) return { ...describeEndedNodes(ended), retryable: true };
  if (!/failed with error: exit status 137\b/.test(error)) return undefined;
  return {
    cause: "A program in a node was killed (exit status 137), as the kernel does for want of memory.",
    fix: "see in the kernel's log of this machine (dmesg) whether it was that, and use a runner with more memory then",
    retryable: true,
  };
}

function diagnoseWords(symptoms: Symptoms): Diagnosis | undefined {
  for (const { source, matches, diagnosis } of RULES) {
    const lines = symptoms[source].split("\n").filter(matches);
    if (lines.length === 0) continue;
    const found = typeof diagnosis === "function" ? diagnosis(lines, symptoms) : diagnosis;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Words by which inotify exhaustion shows in systemd, containerd, the kubelet and kind. */
const INOTIFY_WORDS =
  /too many open files|inotify_init|inotify instance|inotify watch|Failed to (?:create|allocate|add) (?:inotify|manager|watch)|no space left on device.*(?:watch|inotify)|(?:watch|inotify).*no space left on device/i;

/** Only the beginning of a line is looked at, since the pattern takes quadratic time. */
function isAboutInotify(line: string): boolean {
  return INOTIFY_WORDS.test(line.slice(0, 2000));
}

/** Below these values a cluster of a few nodes has been seen to fail: what kind's documentation recommends. */
const RECOMMENDED = { "fs.inotify.max_user_watches": 524288, "fs.inotify.max_user_instances": 512 } as const;

function diagnoseInotify(_lines: readonly string[], { limits }: Symptoms): Diagnosis | undefined {
  const low = INOTIFY_LIMITS.filter((name) => (limits[name] ?? Number.POSITIVE_INFINITY) < RECOMMENDED[name]);
  if (low.length === 0) return undefined;
  const values = low.map((name) => `${name} is ${limits[name]}`).join(", ");
  const inputs = low.map((name) => `${inputOf(name)}: ${RECOMMENDED[name]}`).join(", ");
  return {
    cause: `The host ran out of inotify resources ("too many open files"): ${values}.`,
    fix: `let this step raise the limits (${inputs}), or raise them on the host with sysctl`,
  };
}

const NAME_IN_USE = /container name "?\/?([\w.-]+)"? is already in use/i;

/**
 * A port after its address, in Docker's words: `Bind for 0.0.0.0:80 failed`, `Bind for :::80 failed`, `listen tcp
 * [::1]:80: bind:`. Each part has a bound, so that a line is searched in a time that grows as the line does.
 */
const PUBLISHED_PORT =
  /(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]|(?<![0-9a-f:.])[0-9a-f:]{0,40}::[0-9a-f:.]{0,40}):(\d{1,5})(?![\d.])/i;

function diagnosePort(lines: readonly string[], { ports }: Symptoms): Diagnosis {
  const numbers = new Set(lines.map((line) => Number(PUBLISHED_PORT.exec(line)?.[1])));
  const named = ports.filter(({ port }) => numbers.has(port));
  if (named.length > 0) {
    return {
      cause: `A port that the cluster publishes on this machine is already in use: ${named.map(({ source, port }) => `${source}: ${port}`).join(", ")}.`,
      fix: "choose another port in kind-config, or remove it to get a free one",
    };
  }
  return {
    cause:
      "A port that the cluster publishes on this machine, chosen because it was free, was taken by something else before the cluster used it.",
    fix: "run the job again, or find out what else opens ports on this machine",
    retryable: true,
  };
}

/**
 * Names the cause of "no internet from pods" (the guide's second error), as the guide does: if an address answers and a
 * name does not, it is name resolution; if neither does, a firewall. What this machine itself does not reach is not the
 * cluster's fault.
 */
export function diagnoseConnectivity(connectivity: Connectivity | undefined): Diagnosis | undefined {
  if (connectivity === undefined) return undefined;
  const { probe, address, name, host } = connectivity;
  if (address) return name === false && host.name ? describeNameFault(probe) : undefined;
  return host.address ? describeFirewall(connectivity) : undefined;
}

function describeNameFault({ address, name }: Connectivity["probe"]): Diagnosis {
  return {
    cause: `Pods reach ${address}, but cannot resolve ${name}: name resolution is broken in the cluster.`,
    fix: "set dns: docker-host (the Docker host resolves), or dns: <a resolv.conf file> with a name server that pods can reach",
  };
}

function describeFirewall({ probe, name }: Connectivity): Diagnosis {
  return {
    cause: `Pods do not reach ${probe.address}:${probe.port}${name === true ? `, although ${probe.name} resolves` : ""}: a firewall is in the way, not name resolution.`,
    fix: "check the host's firewall rules for forwarded traffic (Docker's DOCKER-USER chain); on a machine without internet this is expected",
  };
}
