import { INOTIFY_LIMITS, inputOf } from "../host/inotify.ts";
import type { Connectivity, Symptoms } from "./symptoms.ts";

/** A named cause, with what to do about it. */
export interface Diagnosis {
  readonly cause: string;
  readonly fix: string;
  /** Whether the same may work a moment later. */
  readonly retryable?: true;
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

/** Names the cause of a cluster that did not come up, where the symptoms point to one. */
export function diagnose(symptoms: Symptoms): Diagnosis | undefined {
  return (
    diagnoseInotify(symptoms) ??
    diagnoseName(symptoms) ??
    diagnoseConfiguration(symptoms) ??
    diagnosePort(symptoms) ??
    diagnoseDisk(symptoms)
  );
}

function diagnoseInotify({ words, limits }: Symptoms): Diagnosis | undefined {
  const low = INOTIFY_LIMITS.filter((name) => (limits[name] ?? Number.POSITIVE_INFINITY) < RECOMMENDED[name]);
  if (!words.split("\n").some(isAboutInotify) || low.length === 0) return undefined;
  const values = low.map((name) => `${name} is ${limits[name]}`).join(", ");
  const inputs = low.map((name) => `${inputOf(name)}: ${RECOMMENDED[name]}`).join(", ");
  return {
    cause: `The host ran out of inotify resources ("too many open files"): ${values}.`,
    fix: `let this step raise the limits (${inputs}), or raise them on the host with sysctl`,
  };
}

function diagnoseName({ error }: Symptoms): Diagnosis | undefined {
  const held = /container name "?\/?([\w.-]+)"? is already in use/i.exec(error)?.[1];
  if (held !== undefined) {
    return {
      cause: `Something else created a container with the name of a node, ${held}, while this step was preparing.`,
      fix: "give each run on this machine a cluster-name of its own, or remove that container",
    };
  }
  if (!/already exist for a cluster/i.test(error)) return undefined;
  return {
    cause: "Something else created a cluster of this name while this step was preparing.",
    fix: "give each run on this machine a cluster-name of its own",
  };
}

function diagnoseConfiguration({ error }: Symptoms): Diagnosis | undefined {
  if (!/unable to decode config|invalid configuration|invalid \w+ subnet|failed to apply .*patch/i.test(error)) {
    return undefined;
  }
  return {
    cause: "kind does not accept the configuration.",
    fix: "fix the field that kind names in kind-config; it is read by the kind release that the log names",
  };
}

function diagnosePort({ error, ports }: Symptoms): Diagnosis | undefined {
  // kind's own words alone: a component inside a node may say the same of a port of its own.
  const lines = error.split("\n").filter((line) => /address already in use|port is already allocated/i.test(line));
  if (lines.length === 0) return undefined;
  const numbers = new Set(lines.map((line) => Number(PUBLISHED_PORT.exec(line)?.[1])));
  const named = ports.filter(({ port }) => numbers.has(port));
  if (named.length > 0) {
    return {
      cause: `A port that the cluster publishes on this machine is in use already: ${named.map(({ source, port }) => `${source}: ${port}`).join(", ")}.`,
      fix: "choose another port in kind-config, or leave it out to get a free one",
    };
  }
  return {
    cause: "A port that the cluster publishes on this machine, chosen because it was free, was taken in between.",
    fix: "run the job again, or see what takes ports on this machine at that moment",
    retryable: true,
  };
}

/**
 * A port after its address, in Docker's words: `Bind for 0.0.0.0:80 failed`, `Bind for :::80 failed`, `listen tcp
 * [::1]:80: bind:`. Each part has a bound, so that a line is searched in a time that grows as the line does.
 */
const PUBLISHED_PORT =
  /(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]|(?<![0-9a-f:.])[0-9a-f:]{0,40}::[0-9a-f:.]{0,40}):(\d{1,5})(?![\d.])/i;

function diagnoseDisk({ words }: Symptoms): Diagnosis | undefined {
  // The kernel says the same of inotify watches: only a line that does not speak of them is the disk's.
  const lines = words.split("\n").filter((line) => !INOTIFY_WORDS.test(line));
  if (!/no space left on device|disk quota exceeded/i.test(lines.join("\n"))) return undefined;
  return {
    cause: "The disk on which Docker keeps its data is full.",
    fix: "free room in an earlier step (docker system prune), or use a runner with a larger disk",
  };
}

/**
 * Tells "no internet from pods" (the guide's second error) apart, as the guide does: where an address answers and a name does not, it is name
 * resolution; where neither does, a firewall (or a machine without internet, which is no fault).
 */
export function diagnoseInternet({ reach }: { readonly reach: Connectivity | undefined }): Diagnosis | undefined {
  if (reach === undefined || (reach.address && reach.name !== false)) return undefined;
  const { probe, host } = reach;
  // What this machine itself does not reach is not the cluster's fault.
  if (!(reach.address ? host.name : host.address)) return undefined;
  if (reach.address) {
    return {
      cause: `Pods reach ${probe.address}, but cannot resolve ${probe.name}: name resolution is broken in the cluster.`,
      fix: "set dns: docker-host (the Docker host resolves), or dns: <a resolv.conf file> with a name server that pods can reach",
    };
  }
  return {
    cause: `Pods do not reach ${probe.address}:${probe.port}${reach.name === true ? `, although ${probe.name} resolves` : ""}: a firewall is in the way, not name resolution.`,
    fix: "look at the host's firewall rules for forwarded traffic (Docker's DOCKER-USER chain); on a machine without internet this is as it should be",
  };
}
