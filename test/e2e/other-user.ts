import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { StepRequest } from "../../scripts/local/runner.ts";
import { asNobody, asRoot } from "../privileges.ts";
import type { ActionRun } from "./harness.ts";
import { startWith } from "./step.ts";

const DIST = join(import.meta.dirname, "../../dist");

/** Starts a step's program as a user without any rights. @param folder for the bundle and its Node.js: it has to be able to read them. */
export async function startAsNobody(run: ActionRun, folder: string): Promise<NonNullable<StepRequest["start"]>> {
  await mkdir(folder, { recursive: true });
  const program = join(folder, "node");
  await cp(process.execPath, program);
  await cp(DIST, join(folder, "dist"), { recursive: true });
  await chmod(join(run.folders.workspace, ".."), 0o755);
  return startWith({}, (_, [entry = ""], environment) => {
    // A runner that is not root has made the step's files itself.
    execFileSync(...asRoot("chmod", ["-R", "a+rwX", run.folders.workspace, run.folders.temp]));
    const own = ["GITHUB_", "RUNNER_", "INPUT_", "STATE_", "PATH"];
    const kept = Object.entries(environment).filter(([name]) => own.some((prefix) => name.startsWith(prefix)));
    const variables = Object.fromEntries(kept.map(([name, value]) => [name, value ?? ""]));
    return asNobody(program, [join(folder, "dist", entry.slice(entry.lastIndexOf("/") + 1))], variables);
  });
}
