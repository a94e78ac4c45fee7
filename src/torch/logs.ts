import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../process.ts";
import { readContainerLog } from "./container.ts";
import { openEngine } from "./engine.ts";
import { redact } from "./redaction.ts";
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
  const write = (name: string, text: string) => writeFile(join(request.folder, name), redact(text, secrets));
  for (const container of containers) await write(`${container}.log`, await readContainerLog(container, run));
  // An engine that never served has no history.
  const history = await openEngine(request.engineUrl, AbortSignal.timeout(60_000))
    .readHistory()
    .catch(() => undefined);
  if (history === undefined) return containers.length;
  await write("flowable-history.json", history);
  return containers.length + 1;
}
