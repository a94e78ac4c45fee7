import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { bedInputs, raiseBedFor } from "./bed.ts";
import { localFolders, RUN_FOLDER, readOpenRun, writeOpenRun } from "./open-run.ts";
import { runStep } from "./runner.ts";
import { openTerminal } from "./terminal.ts";

// Ctrl-C goes to the step too, which ends by it: what it left must still be written down for npm stop.
process.on("SIGINT", () => undefined);

/** `npm start -- name=value ...`: runs the Action's main as a runner would, with these inputs. */
async function start(words: readonly string[]): Promise<number> {
  const inputs = await readWords(words);
  const open = await readOpenRun();
  if (open !== undefined) {
    console.error("A cluster of an earlier npm start is there already. End it with: npm stop");
    return 2;
  }
  const bed = await raiseBedFor(inputs["kubernetes-version"], console.error);
  const all = { ...(await bedInputs(bed, localFolders().temp)), ...inputs };
  const terminal = openTerminal(process.stdout);
  const result = await runStep({
    entry: "main",
    folders: localFolders(),
    inputs: all,
    environment: { GITHUB_JOB: "npm-start" },
    onLine: terminal.show,
  });
  terminal.end();
  const failed = result.exitCode !== 0;
  if (result.state["run-directory"] !== undefined) {
    await writeOpenRun({ inputs: all, state: result.state, failed }, result.outputs);
    console.log(
      failed
        ? "\nThe step failed; npm stop removes what it left."
        : `\nOutputs: ${join(RUN_FOLDER, "outputs.json")}\nTry:     KUBECONFIG=${result.variables.KUBECONFIG} ${result.outputs["kubectl-path"]} get nodes\nEnd:     npm stop`,
    );
  }
  return result.exitCode ?? 1;
}

async function readWords(words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const action: { readonly inputs: Readonly<Record<string, unknown>> } = parse(
    await readFile(join(import.meta.dirname, "..", "action.yml"), "utf8"),
  );
  const pairs = words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)] as const);
  const unknown = pairs.filter(([name]) => !(name in action.inputs)).map(([name], index) => name || words[index]);
  if (unknown.length > 0) {
    throw new Error(
      `Inputs are written name=value. Not an input: ${unknown.join(", ")}. There are: ${Object.keys(action.inputs).join(", ")}`,
    );
  }
  return Object.fromEntries(pairs);
}

try {
  process.exitCode = await start(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
