import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "../failure.ts";
import type { Run } from "../process.ts";
import { readContainerLog } from "./container.ts";
import { openEngine } from "./engine.ts";
import { redact, redactJson } from "./redaction.ts";
import { readSecrets } from "./secrets.ts";

/** What is collected, and what must not be in it. */
export interface LogsRequest {
  readonly label: string;
  readonly engineUrl: string;
  readonly folder: string;
  readonly credentialFiles: readonly string[];
  readonly runDirectory: string;
}

/**
 * Writes the log of each container of TORCH-V2, and the engine's history with its variables, into a folder, without
 * keys, certificates and passwords. @returns how many files.
 */
export async function collectTorchLogs(request: LogsRequest, run: Run): Promise<number> {
  const { stdout } = await run({
    file: "docker",
    args: ["ps", "--all", "--filter", `label=${request.label}`, "--format", "{{.Names}}"],
    timeoutSeconds: 60,
    purpose: "looking for TORCH-V2's containers",
  });
  const containers = stdout.split("\n").filter((name) => name !== "");
  if (containers.length === 0) return 0;
  const secrets = await readSecrets(request.credentialFiles, request.runDirectory);
  await mkdir(request.folder, { recursive: true });
  for (const container of containers) {
    // One whose log cannot be read (its driver keeps none) must not cost the others theirs.
    const log = await readContainerLog(container, run).catch(describeError);
    await writeFile(join(request.folder, `${container}.log`), redact(log, secrets));
  }
  // An engine that never served has no history.
  const history = await openEngine(request.engineUrl, AbortSignal.timeout(60_000))
    .readHistory()
    .catch(() => undefined);
  if (history === undefined) return containers.length;
  const told = JSON.stringify(redactJson(history, secrets), null, 1);
  await writeFile(join(request.folder, "flowable-history.json"), told);
  return containers.length + 1;
}
