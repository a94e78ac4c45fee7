import { isAlive } from "../../testbed/process-identity.ts";
import { readState } from "./command-files.ts";
import { claimStop, closeOpenRun, isRecordKept, localFolders, readOpenRun, releaseStop } from "./open-run.ts";
import { endProcess, findMains, identifySelf } from "./processes.ts";
import { runStep } from "./runner.ts";
import { openTerminal } from "./terminal.ts";

/**
 * `npm stop`: runs the Action's post with the state that `npm start` saved. If the command, or a step that outlived it,
 * is still running, it is ended first.
 */
async function stop(): Promise<number> {
  const open = await readOpenRun();
  if (open === undefined) {
    console.log("Nothing to stop: there is no cluster of an npm start.");
    return 0;
  }
  if (await isAlive(open.starter)) {
    console.log(`npm start (process ${open.starter.pid}) is still running: ending it`);
    await endProcess(open.starter);
  }
  for (const main of await findMains(open.id)) {
    console.log(`The step of npm start (process ${main.pid}) is still running: ending it`);
    await endProcess(main);
  }
  // What the step has saved is known only now; npm start may have closed the run itself.
  const ended = await readOpenRun();
  const state = ended?.state ?? (await readState(open.files));
  const runDirectory = state["run-directory"];
  if (runDirectory === undefined) {
    console.log("Nothing to remove: npm start was ended before it created anything.");
    await closeOpenRun(open);
    return 0;
  }
  const terminal = openTerminal(process.stdout);
  const failed = ended?.failed ?? true;
  await runStep({
    entry: "post",
    folders: localFolders(),
    inputs: { ...open.inputs, "job-status": failed ? "failure" : "success" },
    state,
    environment: { GITHUB_JOB: "npm-start" },
    onLine: terminal.show,
  });
  terminal.end();
  if (await isRecordKept(runDirectory)) {
    console.error("\nNot everything could be removed. Fix: see the warnings above, then run npm stop again.");
    return 1;
  }
  await closeOpenRun(open);
  return 0;
}

try {
  const other = await claimStop(await identifySelf());
  if (other !== undefined)
    throw new Error(`Another npm stop is running already (process ${other.pid}). Fix: wait until it has ended.`);
  try {
    process.exitCode = await stop();
  } finally {
    await releaseStop();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
