import type { Log } from "../../runner/log.ts";
import { type AdministeredCluster, inCluster } from "./request.ts";
import { findStuckPods, type StuckKind, type StuckPod } from "./stuck-pods.ts";
import type { WorkloadSnapshot, Workloads } from "./workload.ts";

/** How long a pod may be stuck before the deployment fails, in seconds: images are pulled again, crashes may end. */
const STUCK_SECONDS: Readonly<Record<StuckKind, number>> = {
  image: 30,
  configuration: 30,
  scheduling: 45,
  crash: 180,
};

/** How long a pod may be stuck before a warning, in seconds. */
const WARN_SECONDS = 10;

/** Watches for pods that do not start. Called after each look at the cluster, it says why the deployment fails, if it does. */
export function watchStuckPods(
  log: Log,
  clusters: readonly AdministeredCluster[],
): (workloads: Workloads | undefined) => Promise<string | undefined> {
  const watches = clusters.map((cluster) => ({ name: cluster.name, watch: watchCluster(cluster, clusters, log) }));
  return async (workloads) => {
    for (const { name, watch } of watches) {
      const workload = workloads?.get(name);
      const stuck = workload === undefined ? undefined : await watch(workload);
      if (stuck !== undefined) return stuck;
    }
    return undefined;
  };
}

function watchCluster(cluster: AdministeredCluster, clusters: readonly AdministeredCluster[], log: Log) {
  const measure = measureStuckTimes();
  const warned = new Set<string>();
  return async (workload: WorkloadSnapshot): Promise<string | undefined> => {
    for (const { pod, key, seconds } of measure(findStuckPods(workload))) {
      const reason = `The pod ${pod.pod}${inCluster(cluster, clusters)} does not start: ${pod.message}`;
      if (seconds > WARN_SECONDS && !warned.has(key)) {
        warned.add(key);
        log.warning(reason);
      }
      if (seconds > STUCK_SECONDS[pod.kind]) return [reason, ...(await readPodLog(pod, cluster))].join("\n");
    }
    return undefined;
  };
}

/** Measures for how long each pod has been stuck. */
function measureStuckTimes() {
  const since = new Map<string, number>();
  return (stuck: readonly StuckPod[]) => {
    const now = performance.now();
    const found = stuck.map((pod) => ({ pod, key: `${pod.namespace}/${pod.pod} ${pod.kind}` }));
    const keys = new Set(found.map(({ key }) => key));
    for (const key of since.keys()) {
      // A container that crashes runs for a moment in between.
      if (!keys.has(key) && !key.endsWith(" crash")) since.delete(key);
    }
    return found.map(({ pod, key }) => {
      const begin = since.get(key) ?? now;
      since.set(key, begin);
      return { pod, key, seconds: (now - begin) / 1000 };
    });
  };
}

/** The last lines of a crashed container. */
async function readPodLog(
  { namespace, pod, kind }: StuckPod,
  { kubectl }: AdministeredCluster,
): Promise<readonly string[]> {
  if (kind !== "crash") return [];
  const { stdout } = await kubectl(
    ["logs", `--namespace=${namespace}`, pod, "--all-containers", "--previous", "--tail=10"],
    { purpose: `reading the log of ${pod}` },
  ).catch(() => ({ stdout: "" }));
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? [] : ["Its last lines:", ...lines.map((line) => `  ${line.slice(0, 400)}`)];
}
