import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isAlive, isIdentity, type ProcessIdentity } from "../../testbed/process-identity.ts";
import type { StepFolders } from "./runner.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Where local runs keep what they leave, unless the environment names another folder; git ignores it. */
export const RUN_FOLDER = resolve(process.env.LOCAL_RUN_FOLDER || join(ROOT, ".run"));
const RECORD = join(RUN_FOLDER, "open-run.json");
const STOP = join(RUN_FOLDER, "stop.json");
export const OUTPUTS = join(RUN_FOLDER, "outputs.json");

/** What `npm stop` needs of the `npm start` before it; on disk before the step starts. */
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

/** The runner's folders for local runs: the repository is the workspace. */
export function localFolders(): StepFolders {
  return { workspace: ROOT, temp: join(RUN_FOLDER, "temp"), toolCache: join(ROOT, ".run", "tool-cache") };
}

/** A run that is about to begin. */
export function newOpenRun(starter: ProcessIdentity, inputs: OpenRun["inputs"]): OpenRun {
  const id = randomUUID();
  const files = join(localFolders().temp, "_runner_file_commands", id);
  return { id, starter, inputs, files, state: undefined, failed: true };
}

/** The run that is open, if one is. @throws where its record cannot be read. */
export async function readOpenRun(): Promise<OpenRun | undefined> {
  let text: string;
  try {
    text = await readFile(RECORD, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const open = parseOpenRun(text);
  if (open !== undefined) return open;
  throw new Error(
    `${RECORD} is not a record of npm start. Fix: remove the cluster by hand (docker ps shows its containers), then this file.`,
  );
}

/** A record's content; `undefined` where it is something else. */
export function parseOpenRun(text: string): OpenRun | undefined {
  const value = parseJson(text);
  const field = (name: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  const [id, starter, inputs, files, state, failed] = ["id", "starter", "inputs", "files", "state", "failed"].map(
    field,
  );
  if (typeof id !== "string" || !isIdentity(starter) || typeof files !== "string" || !isTexts(inputs)) return undefined;
  if (typeof failed !== "boolean" || !(state === undefined || isTexts(state))) return undefined;
  return { id, starter, inputs, files, state, failed };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null && Object.values(value).every((each) => typeof each === "string");
}

/** Opens a run. @returns false where another one is open. */
export async function claimOpenRun(open: OpenRun): Promise<boolean> {
  const draft = await writeDraft(open);
  try {
    // A link fails where the name is taken, and never shows half a file.
    await link(draft, RECORD);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
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

/** Whether post has kept its record of a run that it was to remove: something of it may still be there. */
export async function isRecordKept(runDirectory: string): Promise<boolean> {
  const text = await readFile(join(runDirectory, "run.json"), "utf8").catch(() => "");
  if (text === "") return false;
  const record = parseJson(text);
  // One that cannot be read is one that post did not remove.
  return !(typeof record === "object" && record !== null && Reflect.get(record, "cleanup") === false);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes this process the one that stops the run. @returns the other one, where there is one. */
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
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
      const other = parseJson(await readFile(STOP, "utf8").catch(() => ""));
      if (isIdentity(other) && (await isAlive(other))) return other;
      // What an npm stop that was killed has left.
      await rm(STOP, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

export async function releaseStop(): Promise<void> {
  await rm(STOP, { force: true });
}

/** Forgets a run, and the files that were only kept for it. */
export async function closeOpenRun(open: OpenRun): Promise<void> {
  await rm(open.files, { recursive: true, force: true });
  await Promise.all([RECORD, OUTPUTS].map((path) => rm(path, { force: true })));
}
