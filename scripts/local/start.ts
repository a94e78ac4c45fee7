import { isAlive } from "../../testbed/process-identity.ts";
import { readInputNames } from "./action.ts";
import {
  claimOpenRun,
  closeOpenRun,
  localFolders,
  newOpenRun,
  type OpenRun,
  OUTPUTS,
  readOpenRun,
  updateOpenRun,
} from "./open-run.ts";
import { identifySelf, LOCAL_VARIABLE, send } from "./processes.ts";
import { runStep, type StepResult } from "./runner.ts";
import { openTerminal } from "./terminal.ts";
import { bedInputs, raiseBedFor } from "./testbed.ts";

/** There is no artifact service here, so no artifact is asked for; an input that is given wins. */
const LOCAL_DEFAULTS = { artifact: "false" } as const;

/** Whether only kind and kubectl are installed, which takes no input about a cluster. */
const isToolsOnly = (inputs: Readonly<Record<string, string>>) => /^true$/i.test(inputs["install-only"] ?? "");

/** `npm start -- name=value ...`: runs the Action's main as a runner would, with these inputs. */
async function start(words: readonly string[]): Promise<number> {
  const inputs = await readWords(words);
  if (await isTaken()) return 2;
  const bed = await raiseBedFor(inputs["kubernetes-version"], console.error);
  const all = {
    ...(isToolsOnly(inputs) ? {} : LOCAL_DEFAULTS),
    ...(await bedInputs(bed, localFolders().temp)),
    ...inputs,
  };
  const signals = passSignals();
  // On disk before the step starts: whatever ends this process, npm stop finds what the step created.
  const open = newOpenRun(await identifySelf(), all);
  if (!(await claimOpenRun(open))) return (await isTaken()) ? 2 : 1;
  if (signals.received()) {
    await closeOpenRun(open);
    return 1;
  }
  const terminal = openTerminal(process.stdout);
  const result = await runStep({
    entry: "main",
    folders: localFolders(),
    inputs: all,
    environment: { GITHUB_JOB: "npm-start", [LOCAL_VARIABLE]: open.id },
    commandFiles: open.files,
    detached: true,
    onLine: terminal.show,
    onStart: signals.to,
  });
  terminal.end();
  await keep(open, result);
  return result.exitCode ?? 1;
}

/** Whether an earlier run is open; prints that it is. */
async function isTaken(): Promise<boolean> {
  const open = await readOpenRun();
  if (open === undefined) return false;
  console.error(
    (await isAlive(open.starter))
      ? `Another npm start is running already (process ${open.starter.pid}). Fix: end it with npm stop.`
      : "The cluster of an earlier npm start still exists. Fix: remove it with npm stop.",
  );
  return true;
}

/** Writes down how the step ended. One that created nothing leaves nothing. */
async function keep(open: OpenRun, { exitCode, state, outputs, variables }: StepResult): Promise<void> {
  const failed = exitCode !== 0;
  if (state["run-directory"] === undefined) return await closeOpenRun(open);
  await updateOpenRun({ ...open, state, failed }, outputs);
  const kubectl = outputs["kubectl-path"];
  const { KUBECONFIG } = variables;
  const example =
    KUBECONFIG === undefined ? `${kubectl} version --client` : `KUBECONFIG=${KUBECONFIG} ${kubectl} get nodes`;
  console.log(
    failed
      ? "\nThe step failed; npm stop removes what it left."
      : `\nOutputs: ${OUTPUTS}\nTry:     ${example}\nEnd:     npm stop`,
  );
}

/**
 * Passes the signals that should end this process on to the step, once each: a terminal and npm both send Ctrl-C. The
 * step ends what it started, and this process waits for it. The step leads a process group of its own, so that it
 * receives only what is passed on.
 */
function passSignals(): { readonly to: (pid: number) => void; readonly received: () => boolean } {
  const received = new Set<NodeJS.Signals>();
  let step: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // The step has no handler for a terminal that was closed.
      const passed = signal === "SIGHUP" ? "SIGTERM" : signal;
      if (received.has(passed)) return;
      received.add(passed);
      if (step !== undefined) send(step, passed);
    });
  }
  return {
    to: (pid) => {
      step = pid;
      for (const signal of received) send(pid, signal);
    },
    received: () => received.size > 0,
  };
}

/** Reads `name=value` words. @throws where a name is not an input's. */
async function readWords(words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const names = await readInputNames();
  const pairs = words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)] as const);
  const unknown = pairs.filter(([name]) => !names.includes(name)).map(([name], index) => name || words[index]);
  if (unknown.length > 0) {
    throw new Error(
      `Not an input: ${unknown.join(", ")}. Fix: write each input as name=value; the inputs are ${names.join(", ")}.`,
    );
  }
  return Object.fromEntries(pairs);
}

// Output to a terminal that was closed is lost; the run is not.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
