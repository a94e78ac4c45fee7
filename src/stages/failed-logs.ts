import type { StepContext } from "../context.ts";
import type { ClusterContainer } from "../docker/cluster-containers.ts";
import { makeLogFolder, openLogFolder } from "../logs/folder.ts";
import { collectNodeLogs } from "../logs/nodes.ts";

/** Keeps the logs of the nodes of a try that failed, before they are removed. */
export async function keepFailedLogs(
  { journal, folders, plan, exec, log }: StepContext,
  attempt: number,
  nodes: readonly ClusterContainer[],
): Promise<void> {
  const logsFolder = journal.state.logsFolder ?? (await makeLogFolder(folders.temp, plan.logsArtifactName));
  journal.update({ failedTries: true, logsFolder });
  const folder = openLogFolder(logsFolder, [`try-${attempt}`]);
  for (const missing of await collectNodeLogs(nodes, folder, exec)) log.debug(missing);
  journal.update({ failedLogs: [...journal.state.failedLogs, ...folder.files] });
}
