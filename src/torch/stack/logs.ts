import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../../process.ts";
import { openEngine } from "../clients/engine.ts";
import { redact, redactJson } from "../redaction.ts";
import { readSecrets } from "./secrets.ts";
import { readWords } from "./words.ts";

/** What is collected, and what must not be in it. */
export interface LogsRequest {
  readonly label: string;
  readonly engineUrl: string;
  readonly folder: string;
  readonly credentialFiles: readonly string[];
  readonly runDirectory: string;
}

/** Of each log file no more than this is kept: its end. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/**
 * Writes the log of each container of TORCH-V2, the log files in it, and the engine's history with its variables and
 * stack traces into a folder, without keys, certificates and passwords. @returns how many files.
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
  let count = 0;
  const keep = async (name: string, text: string) => {
    await writeFile(join(request.folder, name), redact(text.slice(-MAX_CHARACTERS), secrets));
    count += 1;
  };
  for (const container of containers) {
    for (const { source, text } of await readWords(container, run)) {
      if (source === "log") await keep(`${container}.log`, text);
      else await keep(`${container}${source.replace(/[^\w.-]+/g, "_").slice(-150)}`, text);
    }
  }
  // An engine that never served has no history.
  const engine = openEngine(request.engineUrl, AbortSignal.timeout(60_000));
  const [history, traces] = await Promise.all([
    engine.readHistory().catch(() => undefined),
    engine.readStackTraces().catch(() => []),
  ]);
  if (traces.length > 0) await keep("flowable-stack-traces.txt", traces.join("\n\n"));
  if (history !== undefined) {
    await writeFile(
      join(request.folder, "flowable-history.json"),
      JSON.stringify(redactJson(history, secrets), null, 1),
    );
    count += 1;
  }
  return count;
}
