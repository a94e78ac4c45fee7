import { reportCommand } from "./command/report.ts";
import { describeError, describeProblem, InputError } from "./errors.ts";
import { createLog, failStep } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { readFolders } from "./runner/step.ts";

try {
  await hideEnvironment(process.env);
  await reportCommand({ environment: process.env, folders: readFolders(process.env), log: createLog() });
} catch (error) {
  failStep(error instanceof InputError ? error.problems.map(describeProblem).join("\n") : describeError(error));
}
// An upload that was given up may still hold a socket open.
process.exit();
