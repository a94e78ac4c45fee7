import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { relative } from "node:path";
import { describeError, errorCode, InputError } from "../errors.ts";
import { askMarked, endMarked } from "../leftovers.ts";
import { hasArtifactService, uploadArtifact } from "../runner/artifact.ts";
import { hide, withoutSecrets } from "../runner/mask.ts";
import { setOutputs } from "../runner/output-file.ts";
import type { Runner } from "../runner/runner.ts";
import { summaryRoom, writeSummary } from "../runner/summary-file.ts";
import { printable } from "../values/text.ts";
import { chooseFiles, findFiles } from "./files.ts";
import { COMMAND_VARIABLE, type CommandInputs, readCommandInputs } from "./inputs.ts";
import { JUnitReader, MAX_TEXT, type ParsedJUnit } from "./junit.ts";
import { readCommand } from "./output.ts";
import { mergeResults, type TestResults, totalOf } from "./results.ts";
import { type CommandReport, describeEnd, describeTotals, renderCommand } from "./summary.ts";

/** How long what a command left in the background may take to end by itself. */
const GRACE_SECONDS = 5;
const MAX_RESULT_FILES = 5000;
const MAX_RESULT_BYTES = 64 * 1024 * 1024;
const MAX_ARTIFACT_FILES = 20_000;

type Reporter = Pick<Runner, "environment" | "folders" | "log">;

/**
 * The story of the step after a caller's command: ends what the command left running, reads its test results and the end
 * of its output, keeps its files, and says how it ended. @throws InputError if the inputs are wrong.
 */
export async function reportCommand(runner: Reporter): Promise<void> {
  const { environment, folders, log } = runner;
  const { inputs, problems } = readCommandInputs(environment, folders);
  if (problems.length > 0) throw new InputError(problems);
  if (inputs.checkOnly) return;
  // First: what still runs could change the files that are read.
  const ended = await endCommand(inputs.folder);
  if (ended > 0) log.info(`Ended ${ended} process(es) that the command had left running`);
  const command = await readCommand(inputs.folder);
  if (command === undefined) return log.info("The command did not run: there is nothing to report");
  hide(...command.masks);
  const warnings: string[] = [];
  const results = await readResults(inputs, folders.workspace, warnings);
  const artifact = await keepFiles(inputs, runner, warnings);
  // Of a command that was stopped, no file is expected.
  if (command.exitCode === undefined) warnings.length = 0;
  const report = withoutSecretsIn({ ...command, results, warnings, artifact });
  tell(report, log);
  await writeSummary(renderCommand(report, summaryRoom()));
  // What it printed may be secret, and the machine may be someone's own.
  await rm(inputs.folder, { recursive: true, force: true });
}

/** Asks the command's processes to end, and kills those that do not. @returns how many there were. */
async function endCommand(folder: string): Promise<number> {
  const asked = await askMarked(COMMAND_VARIABLE, folder, GRACE_SECONDS);
  return Math.max(asked, await endMarked(COMMAND_VARIABLE, folder));
}

function tell(report: CommandReport, log: Runner["log"]): void {
  log.info(describeEnd(report));
  for (const warning of report.warnings) log.warning(warning);
  const { exitCode, results, artifact } = report;
  const total = results === undefined ? undefined : totalOf(results.suites);
  if (total !== undefined) log.info(describeTotals(total));
  for (const { name, suite } of results?.failed ?? []) log.info(`Failed: ${printable(name || suite)}`);
  if (artifact !== undefined) log.info(`Files of the command: artifact ${artifact}`);
  setOutputs({
    "exit-code": exitCode === undefined ? "" : String(exitCode),
    tests: total === undefined ? "" : String(total.tests),
    "failed-tests": total === undefined ? "" : String(total.failures + total.errors),
    "skipped-tests": total === undefined ? "" : String(total.skipped),
    "files-artifact": artifact ?? "",
  });
}

/** Before anything is escaped: what is escaped would not be known for a secret any more. */
function withoutSecretsIn(report: CommandReport): CommandReport {
  const { results, tail, warnings } = report;
  return {
    ...report,
    tail: withoutSecrets(tail.join("\n")).split("\n"),
    warnings: warnings.map(withoutSecrets),
    results: results && {
      suites: results.suites.map((suite) => ({ ...suite, name: withoutSecrets(suite.name) })),
      failed: results.failed.map((test) => ({
        ...test,
        suite: withoutSecrets(test.suite),
        name: withoutSecrets(test.name),
        message: withoutCut(test.message),
        text: withoutCut(test.text),
      })),
    },
  };
}

/** Where a text was cut off, a secret may have been: its beginning is not known for one. */
function withoutCut(text: string): string {
  return withoutSecrets(text).slice(0, text.length < MAX_TEXT ? undefined : -MARGIN);
}

const MARGIN = 8 * 1024;

async function readResults(
  { results: patterns }: CommandInputs,
  workspace: string,
  warnings: string[],
): Promise<TestResults | undefined> {
  if (patterns.length === 0) return undefined;
  const name = (path: string) => printable(relative(workspace, path));
  const { files, unmatched, outside, more } = await findFiles(workspace, patterns, MAX_RESULT_FILES);
  for (const pattern of unmatched) warnings.push(`results: ${name(pattern)} matches no file.`);
  if (outside > 0) warnings.push(`results: ${outside} file(s) are links that lead out of the workspace, and not read.`);
  if (more) warnings.push(`results: more than ${MAX_RESULT_FILES} files match; the first of them are read.`);
  let room = MAX_RESULT_BYTES;
  const read: ParsedJUnit[] = [];
  for (const file of files) {
    const { size } = await stat(file);
    room -= size;
    if (room < 0) {
      warnings.push(`results: ${name(file)} and what follows it are not read: together they have more than 64 MiB.`);
      break;
    }
    const result = await readJUnit(file, name(file));
    if (result.issue !== undefined) warnings.push(`results: ${name(file)} is not read whole: ${result.issue}.`);
    read.push(result);
  }
  const merged = mergeResults(read);
  return merged.suites.length === 0 ? undefined : merged;
}

async function readJUnit(path: string, name: string): Promise<ParsedJUnit> {
  const reader = new JUnitReader(name);
  try {
    for await (const piece of createReadStream(path, "utf8")) reader.write(String(piece));
    return reader.end();
  } catch (error) {
    // One that this user may not read, for instance.
    return { ...reader.end(), issue: `${errorCode(error) ?? describeError(error)}` };
  }
}

/** Uploads the files to keep. @returns the artifact's name; `undefined` where there is none. */
async function keepFiles(
  inputs: CommandInputs,
  { environment, folders }: Reporter,
  warnings: string[],
): Promise<string | undefined> {
  if (inputs.artifacts.length === 0) return undefined;
  const { workspace } = folders;
  const found = await findFiles(workspace, inputs.artifacts, MAX_ARTIFACT_FILES);
  const { content, refused } = chooseFiles(workspace, found.files);
  for (const pattern of found.unmatched)
    warnings.push(`artifacts: ${printable(relative(workspace, pattern) || ".")} matches no file.`);
  if (found.outside > 0)
    warnings.push(`artifacts: ${found.outside} file(s) are links that lead out of the workspace, and not kept.`);
  if (found.more) warnings.push(`artifacts: more than ${MAX_ARTIFACT_FILES} files match; the first of them are kept.`);
  if (refused > 0)
    warnings.push(`artifacts: ${refused} file(s) are not kept: an artifact takes no name with " : < > | * ? in it.`);
  if (content.files.length === 0) return undefined;
  if (!hasArtifactService(environment)) {
    warnings.push("artifacts: this runner has no artifact service.");
    return undefined;
  }
  const { artifactName: name, retentionDays } = inputs;
  try {
    return (await uploadArtifact({ name, content, retentionDays }, environment)).name;
  } catch (error) {
    warnings.push(`artifacts: ${describeError(error)}`);
    return undefined;
  }
}
