import { reportCommand } from "./command/report.ts";
import { describeError, describeProblems, InputError } from "./errors.ts";
import { exitWhenPrinted } from "./runner/exit.ts";
import { createLog, failStep } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { readFolders } from "./runner/step.ts";

try {
  await hideEnvironment(process.env);
  await reportCommand({ environment: process.env, folders: readFolders(process.env), log: createLog() });
} catch (error) {
  failStep(error instanceof InputError ? describeProblems(error.problems) : describeError(error));
}
// An upload that was given up may still hold a socket open.
await exitWhenPrinted();
