import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepFolders } from "./runner.ts";

const ROOT = join(import.meta.dirname, "..");
/** Where local runs keep what they leave; git ignores it. */
export const RUN_FOLDER = join(ROOT, ".run");
const SESSION = join(RUN_FOLDER, "session.json");
const OUTPUTS = join(RUN_FOLDER, "outputs.json");

/** What `npm stop` needs of the `npm start` before it. */
export interface Session {
  readonly inputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly failed: boolean;
}

/** The runner's folders for local runs: the repository is the workspace. */
export function localFolders(): StepFolders {
  return { workspace: ROOT, temp: join(RUN_FOLDER, "temp"), toolCache: join(RUN_FOLDER, "tool-cache") };
}

/** The session that is open, if one is. */
export async function readSession(): Promise<Session | undefined> {
  try {
    const session: Session = JSON.parse(await readFile(SESSION, "utf8"));
    return session;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Opens a session: its state for `npm stop`, and every output as JSON. */
export async function writeSession(session: Session, outputs: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(RUN_FOLDER, { recursive: true });
  await writeFile(SESSION, JSON.stringify(session, null, 2), { mode: 0o600 });
  await writeFile(OUTPUTS, `${JSON.stringify(outputs, null, 2)}\n`);
}

/** Closes the session. */
export async function closeSession(): Promise<void> {
  await Promise.all([SESSION, OUTPUTS].map((path) => rm(path, { force: true })));
}
