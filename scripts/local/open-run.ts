import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { boolean, number, object, optional, record, string, unknown } from "valibot";
import { errorCode } from "../../src/errors.ts";
import { tryJson } from "../../src/values/json.ts";
import { isAlive, type ProcessIdentity } from "../../testbed/process-identity.ts";
import type { StepFolders } from "./runner.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Where local runs keep their files, unless the environment names another folder; git ignores it. */
export const RUN_FOLDER = resolve(process.env.LOCAL_RUN_FOLDER || join(ROOT, ".run"));
const RECORD = join(RUN_FOLDER, "open-run.json");
const STOP = join(RUN_FOLDER, "stop.json");
/** Where the outputs of the last local run are. */
export const OUTPUTS = join(RUN_FOLDER, "outputs.json");

/** What `npm stop` needs to know about the `npm start` before it; on disk before the step starts. */
export interface OpenRun {
  /** The step's processes carry it in their environment. */
  readonly id: string;
  /** The process of `npm start`. */
  readonly starter: ProcessIdentity;
  readonly inputs: Readonly<Record<string, string>>;
  /** The folder of the step's command files: the step saves its state there while it runs. */
  readonly files: string;
  /** What the step had saved when it ended; `undefined` until then. */
  readonly state: Readonly<Record<string, string>> | undefined;
  readonly failed: boolean;
}

const identity = object({ pid: number(), started: string() });
const texts = record(string(), string());
const openRun = object({
  id: string(),
  starter: identity,
  inputs: texts,
  files: string(),
  state: optional(texts),
  failed: boolean(),
});

/** The runner's folders for local runs: the repository is the workspace. */
export function localFolders(): StepFolders {
  return { workspace: ROOT, temp: join(RUN_FOLDER, "temp"), toolCache: join(ROOT, ".run", "tool-cache") };
}

/** A run that is about to start. */
export function newOpenRun(starter: ProcessIdentity, inputs: OpenRun["inputs"]): OpenRun {
  const id = randomUUID();
  const files = join(localFolders().temp, "_runner_file_commands", id);
  return { id, starter, inputs, files, state: undefined, failed: true };
}

/** The run that is open, if there is one. @throws if its record cannot be read. */
export async function readOpenRun(): Promise<OpenRun | undefined> {
  let text: string;
  try {
    text = await readFile(RECORD, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const open = parseOpenRun(text);
  if (open !== undefined) return open;
  throw new Error(
    `${RECORD} is not a record of npm start. Fix: remove the cluster by hand (docker ps shows its containers), then this file.`,
  );
}

/** A record's content; `undefined` if it is not a record. */
export function parseOpenRun(text: string): OpenRun | undefined {
  const open = tryJson(openRun, text);
  return open === undefined ? undefined : { ...open, state: open.state };
}

/** Opens a run. @returns false if another one is open. */
export async function claimOpenRun(open: OpenRun): Promise<boolean> {
  const draft = await writeDraft(open);
  try {
    // A link fails where the name is taken, and never shows half a file.
    await link(draft, RECORD);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Keeps what a run that is open has left: its state for `npm stop`, and every output as JSON. */
export async function updateOpenRun(open: OpenRun, outputs: Readonly<Record<string, string>>): Promise<void> {
  await rename(await writeDraft(open), RECORD);
  await writeFile(OUTPUTS, `${JSON.stringify(outputs, null, 2)}\n`);
}

async function writeDraft(open: OpenRun): Promise<string> {
  await mkdir(RUN_FOLDER, { recursive: true });
  const draft = `${RECORD}.${open.id}`;
  await writeFile(draft, JSON.stringify(open, null, 2), { mode: 0o600 });
  return draft;
}

/** Whether post has kept its record of a run that it should remove: something of the run may still exist. */
export async function isRecordKept(runDirectory: string): Promise<boolean> {
  const text = await readFile(join(runDirectory, "run.json"), "utf8").catch(() => "");
  // One that cannot be read is one that post did not remove.
  return text !== "" && tryJson(keptRecord, text)?.cleanup !== false;
}

/** What is read of post's record. */
const keptRecord = object({ cleanup: optional(unknown()) });

/** Makes this process the one that stops the run. @returns the other one, if there is one. */
export async function claimStop(self: ProcessIdentity): Promise<ProcessIdentity | undefined> {
  await mkdir(RUN_FOLDER, { recursive: true });
  const draft = `${STOP}.${self.pid}`;
  await writeFile(draft, JSON.stringify(self));
  try {
    for (;;) {
      try {
        await link(draft, STOP);
        return undefined;
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
      }
      const other = tryJson(identity, await readFile(STOP, "utf8").catch(() => ""));
      if (other !== undefined && (await isAlive(other))) return other;
      // Left by an npm stop that was killed.
      await rm(STOP, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Lets another process stop runs. */
export async function releaseStop(): Promise<void> {
  await rm(STOP, { force: true });
}

/** Forgets a run, and the files that were only kept for it. */
export async function closeOpenRun(open: OpenRun): Promise<void> {
  await rm(open.files, { recursive: true, force: true });
  await Promise.all([RECORD, OUTPUTS].map((path) => rm(path, { force: true })));
}
