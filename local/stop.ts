import { runStep } from "./runner.ts";
import { closeSession, localFolders, readSession } from "./session.ts";
import { renderLine } from "./terminal.ts";

/** `npm stop`: runs the Action's post with the state that `npm start` saved. */
const session = await readSession();
if (session === undefined) {
  console.log("Nothing to stop: no npm start has left a cluster.");
} else {
  await runStep({
    entry: "post",
    folders: localFolders(),
    inputs: { ...session.inputs, "job-status": session.failed ? "failure" : "success" },
    state: session.state,
    environment: { GITHUB_JOB: "npm-start" },
    onLine: (line) => {
      const shown = renderLine(line);
      if (shown !== undefined) console.log(shown);
    },
  });
  await closeSession();
}
