import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepFolders } from "./runner.ts";

const ROOT = join(import.meta.dirname, "..");
/** Where local runs keep what they leave; git ignores it. */
export const RUN_FOLDER = join(ROOT, ".run");
const RECORD = join(RUN_FOLDER, "open-run.json");
const OUTPUTS = join(RUN_FOLDER, "outputs.json");

/** What `npm stop` needs of the `npm start` before it. */
export interface OpenRun {
  readonly inputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly failed: boolean;
}

/** The runner's folders for local runs: the repository is the workspace. */
export function localFolders(): StepFolders {
  return { workspace: ROOT, temp: join(RUN_FOLDER, "temp"), toolCache: join(RUN_FOLDER, "tool-cache") };
}

/** The run that is open, if one is. */
export async function readOpenRun(): Promise<OpenRun | undefined> {
  try {
    const open: OpenRun = JSON.parse(await readFile(RECORD, "utf8"));
    return open;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Keeps an open run: its state for `npm stop`, and every output as JSON. */
export async function writeOpenRun(open: OpenRun, outputs: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(RUN_FOLDER, { recursive: true });
  await writeFile(RECORD, JSON.stringify(open, null, 2), { mode: 0o600 });
  await writeFile(OUTPUTS, `${JSON.stringify(outputs, null, 2)}\n`);
}

/** Forgets the open run. */
export async function closeOpenRun(): Promise<void> {
  await Promise.all([RECORD, OUTPUTS].map((path) => rm(path, { force: true })));
}
