import { createKubectl, type Kubectl } from "../cluster/kubectl.ts";
import { readContainerState } from "../docker/container-state.ts";
import { describeError } from "../errors.ts";
import type { Exec } from "../exec.ts";
import type { JournalState, NamespaceState } from "../journal.ts";
import type { LogFolder } from "./folder.ts";

/** Of each namespace no more pods than these are asked for their logs. */
const MAX_PODS = 30;
const MAX_LINES = 20_000;

/** What the applications of a template are read with. */
interface Reading {
  readonly folder: LogFolder;
  readonly exec: Exec;
  readonly runDirectory: string;
}

/**
 * Collects what a template's applications say in the clusters of earlier steps: their nodes are not this run's, so that
 * nothing else of them is read. Their own steps collect the rest.
 * @returns what could not be read, a line each.
 */
export async function collectApplicationLogs(
  { namespaces = [], kubectl }: Pick<JournalState, "namespaces" | "kubectl">,
  { folder, exec, runDirectory }: Reading,
): Promise<readonly string[]> {
  if (kubectl === undefined) return [];
  const missing: string[] = [];
  for (const { name, cluster, kubeconfig, controlPlane } of namespaces) {
    if (controlPlane === undefined) continue;
    if ((await readContainerState(controlPlane, exec)).status !== "running") continue;
    const admin = createKubectl({ kubectl, kubeconfig, runDirectory, exec });
    const place = ["clusters", cluster, name];
    await collectNamespace(name, (file, text) => folder.keep([...place, file], text), admin).catch((error: unknown) =>
      missing.push(`${name} in ${cluster}: ${describeError(error)}`),
    );
  }
  return missing;
}

async function collectNamespace(
  name: NamespaceState["name"],
  keep: (file: string, text: string) => Promise<void>,
  kubectl: Kubectl,
): Promise<void> {
  const read = async (what: string, ...args: readonly string[]) => {
    const options = { purpose: `reading ${what} of ${name}`, timeoutSeconds: 30 };
    return (await kubectl([...args, `--namespace=${name}`], options)).stdout;
  };
  const pods = (await read("the pods", "get", "pods", "--output=name")).split("\n").filter((pod) => pod !== "");
  const objects = "deployments,replicasets,pods,services";
  await keep("objects.yaml", await read("the objects", "get", objects, "--output=yaml"));
  await keep("events.txt", await read("the events", "get", "events", "--sort-by=.lastTimestamp"));
  for (const pod of pods.slice(0, MAX_PODS)) {
    const args = ["logs", pod, "--all-containers", "--prefix", "--timestamps", `--tail=${MAX_LINES}`];
    // A container that never started has no log.
    await keep(`${pod.replace(/^pod\//, "")}.log`, await read(`the log of ${pod}`, ...args).catch(describeError));
  }
}
