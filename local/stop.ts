import { closeOpenRun, localFolders, readOpenRun } from "./open-run.ts";
import { runStep } from "./runner.ts";
import { openTerminal } from "./terminal.ts";

/** `npm stop`: runs the Action's post with the state that `npm start` saved. */
const open = await readOpenRun();
if (open === undefined) {
  console.log("Nothing to stop: no npm start has left a cluster.");
} else {
  const terminal = openTerminal(process.stdout);
  await runStep({
    entry: "post",
    folders: localFolders(),
    inputs: { ...open.inputs, "job-status": open.failed ? "failure" : "success" },
    state: open.state,
    environment: { GITHUB_JOB: "npm-start" },
    onLine: terminal.show,
  });
  terminal.end();
  await closeOpenRun();
}
