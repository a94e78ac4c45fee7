import { createKubectl } from "../../cluster/kubectl.ts";
import { readContainerState } from "../../docker/container-state.ts";
import type { Exec } from "../../exec.ts";
import type { JournalState, NamespaceState } from "../../journal.ts";
import type { Log } from "../../runner/log.ts";

/** What post works with. */
interface Tools {
  readonly runDirectory: string;
  readonly exec: Exec;
  readonly log: Log;
  /** Does one step; its failure is a warning. @returns whether it succeeded. */
  readonly attempt: (what: string, work: () => Promise<void>) => Promise<boolean>;
}

/**
 * Removes a template's namespaces where their clusters stay: one that is still there makes TORCH-V2's next check of the
 * same template fail. The step's own cluster goes when the job ends, unless `cleanup` is false; an earlier step's may stay.
 */
export async function removeNamespaces(state: JournalState, tools: Tools): Promise<void> {
  const staying = (state.namespaces ?? []).filter(({ cluster }) => !state.cleanup || cluster !== state.cluster);
  for (const namespace of staying) {
    const what = `Removing the namespace ${namespace.name} in ${namespace.cluster}`;
    await tools.attempt(what, () => removeNamespace(namespace, state, tools));
  }
}

async function removeNamespace(
  { name, cluster, kubeconfig, controlPlane }: NamespaceState,
  { kubectl }: JournalState,
  { exec, log, runDirectory }: Tools,
): Promise<void> {
  if (kubectl === undefined) return;
  if (controlPlane !== undefined && (await readContainerState(controlPlane, exec)).status !== "running") {
    log.info(`The cluster ${cluster} does not run any more, so its namespace ${name} is left alone`);
    return;
  }
  const admin = createKubectl({ kubectl, kubeconfig, runDirectory, exec });
  await admin(["delete", "namespace", name, "--ignore-not-found", "--timeout=120s"], {
    purpose: `removing the namespace ${name}`,
    timeoutSeconds: 180,
  });
  log.info(`Removed the namespace ${name} in ${cluster}`);
}
