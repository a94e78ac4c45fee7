import { rm } from "node:fs/promises";
import { wroteTooMuch } from "../../docker/client.ts";
import { saveFromContainer } from "../../docker/container-files.ts";
import { describeError } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { CommandError } from "../../exec.ts";
import type { Log } from "../../runner/log.ts";
import { holdFolder } from "../../values/files.ts";
import { fingerprintOf, type KeptArchive, keepDraft, removeArchives, removeStaleDrafts, sizeOf } from "./archives.ts";
import { CACHE_MOUNT, type PackageTool, TOOL_FACTS } from "./plan.ts";
import { megabytes, type ToolState } from "./words.ts";

/** What is kept, and where. */
export interface KeepRequest {
  readonly container: string;
  readonly tools: readonly PackageTool[];
  /** What the dashboard has started with. */
  readonly restored: readonly KeptArchive[];
  /** Where the folder led before any container of the run was started. */
  readonly folder: string;
  readonly draft: string;
  readonly maxBytes: number;
  readonly lock: string | undefined;
}

interface KeepTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const COPY_SECONDS = 300;

/**
 * Copies the caches out of a container as archives, which are never unpacked on the runner: what is in them is the
 * container's, links and all. An archive takes its name when it is whole.
 */
export async function keepCaches(request: KeepRequest, tools: KeepTools): Promise<readonly ToolState[]> {
  const { draft, folder, maxBytes } = request;
  const held = await holdFolder(folder);
  try {
    if (held.real !== folder) throw new Error(`${folder} now leads to ${held.real}`);
    await removeStaleDrafts(held.at(".")).catch(() => undefined);
    const states: ToolState[] = [];
    let left = maxBytes;
    for (const tool of request.tools) {
      const state = await keepOne(tool, { ...request, folder: held.at(".") }, left, tools).catch((error: unknown) => {
        tools.signal.throwIfAborted();
        const reason = wroteTooMuch(error) ? `there is more than ${megabytes(maxBytes)} in all` : describeError(error);
        tools.log.warning(`${tool}'s package cache is not kept: ${reason}`);
      });
      await rm(draft, { force: true });
      if (state === undefined) continue;
      left -= state.bytes;
      states.push(state);
    }
    return states;
  } finally {
    await held.close();
  }
}

/** @returns `undefined` where a program has no cache. */
async function keepOne(
  tool: PackageTool,
  { container, restored, folder, draft, lock }: KeepRequest,
  maxOutputBytes: number,
  { exec, signal }: KeepTools,
): Promise<ToolState | undefined> {
  const options = { timeoutSeconds: COPY_SECONDS, purpose: `copying ${tool}'s package cache`, maxOutputBytes, signal };
  const path = `${CACHE_MOUNT}/${TOOL_FACTS[tool].kept}`;
  try {
    await saveFromContainer(container, { path, archive: draft }, options, exec);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await removeArchives(folder, tool);
    return undefined;
  }
  const before = restored.find((archive) => archive.tool === tool);
  const [fingerprint, bytes] = [await fingerprintOf(draft), await sizeOf(draft)];
  const ownLock = tool === "npm" ? lock : undefined;
  if (before !== undefined && before.lock === ownLock && (await fingerprintOf(before.path)) === fingerprint) {
    return { tool, state: "unchanged", bytes, fingerprint };
  }
  await keepDraft(draft, folder, { tool, lock: ownLock });
  return { tool, state: "kept", bytes, fingerprint };
}

/** Docker's words for a path that a container does not have. */
function isAbsent(error: unknown): boolean {
  return error instanceof CommandError && /could not find the file|no such file or directory/i.test(error.stderr);
}
