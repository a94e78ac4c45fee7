import { listContainerNames } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import { openEngine } from "../torch/clients/engine.ts";
import { readComponentLogs } from "../torch/stack/logs.ts";
import type { LogFolder } from "./folder.ts";

/** TORCH-V2 as a run has booted it. */
export interface BootedContainers {
  /** On every container of it: `name=value`. */
  readonly label: string;
  /** The engine's address on this machine. */
  readonly engineUrl: string;
}

/**
 * Collects the log of each container of TORCH-V2, the log files in it, and the engine's history with its variables and
 * stack traces, until the time for it is over. @returns how many containers there are.
 */
export async function collectTorchLogs(
  { label, engineUrl }: BootedContainers,
  folder: LogFolder,
  exec: Exec,
  isOver: () => boolean,
): Promise<number> {
  const options = { timeoutSeconds: 60, purpose: "looking for TORCH-V2's containers" };
  const containers = await listContainerNames([`label=${label}`], options, exec);
  if (containers.length === 0) return 0;
  for (const container of containers) {
    if (isOver()) return containers.length;
    for (const { source, text } of await readComponentLogs(container, exec)) {
      if (isOver()) return containers.length;
      await folder.keep(["torch", source === "log" ? `${container}.log` : `${container}${source}`], text);
    }
  }
  // An engine that never served has no history.
  const engine = openEngine(engineUrl, AbortSignal.timeout(60_000));
  const [history, traces] = await Promise.all([
    engine.readHistory().catch(() => undefined),
    engine.readStackTraces().catch(() => []),
  ]);
  if (traces.length > 0) await folder.keep(["torch", "flowable-stack-traces.txt"], traces.join("\n\n"));
  if (history !== undefined) await folder.keepJson(["torch", "flowable-history.json"], history);
  return containers.length;
}
