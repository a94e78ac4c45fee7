import { constants } from "node:os";
import { stripVTControlCharacters } from "node:util";
import { alert, details, fenced, heading, join, type Markdown, table } from "../report/markdown/blocks.ts";
import { type Content, inline } from "../report/markdown/inline.ts";
import { boundary, SUMMARY_BYTES } from "../report/markdown/size.ts";
import type { CommandEnd } from "./output.ts";
import { type FailedTest, type Suite, type TestResults, type Totals, totalOf } from "./results.ts";

/** What the summary says of a command. */
export interface CommandReport extends CommandEnd {
  /** `undefined` where there are none. */
  readonly results: TestResults | undefined;
  readonly tail: readonly string[];
  /** What is worth a line, such as a pattern that matches no file. */
  readonly warnings: readonly string[];
  readonly artifact: string | undefined;
}

const MAX_ROWS = 100;
const MAX_LINE = 2000;
/** A failed test's text is cut in its middle, other texts at their end. */
const MAX_TEXT = 8000;

/** How the command ended, in one line. */
export function describeEnd({ exitCode, seconds }: CommandEnd): string {
  if (exitCode === undefined) return "The command did not end: it was stopped with its step";
  const after = `after ${seconds ?? 0} s`;
  if (exitCode === 0) return `The command succeeded ${after}`;
  return `The command failed: exit code ${exitCode}${describeCode(exitCode)} ${after}`;
}

function describeCode(exitCode: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128) ?? [];
  if (signal !== undefined) return ` (${signal})`;
  return exitCode === 124 ? " (what timeout exits with)" : "";
}

/** The sums in one line: `27 tests: 24 passed, 2 failed, 1 skipped`. */
export function describeTotals({ tests, failures, errors, skipped }: Totals): string {
  const count = (number: number, word: string) => (number === 0 ? [] : [`${number} ${word}`]);
  const parts = [
    ...count(tests - failures - errors - skipped, "passed"),
    ...count(failures, "failed"),
    ...count(errors, errors === 1 ? "error" : "errors"),
    ...count(skipped, "skipped"),
  ];
  return `${tests} ${tests === 1 ? "test" : "tests"}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}

/** The command's part of the job summary, in at most `room` bytes. Secrets are taken out of the report before. */
export function renderCommand(report: CommandReport, room: number = SUMMARY_BYTES): Markdown {
  const { results, exitCode, artifact } = report;
  const total = totalOf(results?.suites ?? []);
  const failed = total.failures + total.errors;
  const shown = results?.failed ?? [];
  const contradiction = "The command succeeded although tests failed: its exit code decides what becomes of the job.";
  const blocks = [
    heading(2, describeEnd(report)),
    ...(exitCode === 0 && failed > 0 ? [alert("WARNING", contradiction)] : []),
    ...report.warnings.map((warning) => alert("WARNING", warning)),
    ...(results === undefined ? [] : [heading(3, describeTotals(total)), suiteTable(results.suites, total)]),
    ...shown.map(renderFailed),
    ...(failed > shown.length ? [alert("WARNING", `Of ${failed} tests that failed, ${shown.length} are shown.`)] : []),
    ...(artifact === undefined ? [] : [table(["Files", "Artifact"], [["Of the command", artifact]])]),
    ...renderTail(report.tail, exitCode !== 0 && failed === 0),
  ];
  return join(blocks, room);
}

/** Those with failures first, because not all of many are shown. */
function suiteTable(suites: readonly Suite[], total: Totals): Markdown {
  const isBad = (suite: Suite) => suite.failures + suite.errors > 0;
  const sorted = suites.length > MAX_ROWS ? suites.toSorted((a, b) => Number(isBad(b)) - Number(isBad(a))) : suites;
  const [shown, others] = [sorted.slice(0, MAX_ROWS), sorted.slice(MAX_ROWS)];
  const rows = [
    ...shown.map((suite) => suiteRow(suite.name, suite)),
    ...(others.length > 0 ? [suiteRow(`${others.length} more`, totalOf(others))] : []),
    ...(suites.length > 1 ? [suiteRow("All", total)] : []),
  ];
  return table(["Suite", "Tests", "Failed", "Errors", "Skipped", "Time"], rows);
}

function suiteRow(name: string, { tests, failures, errors, skipped, seconds }: Totals): readonly Content[] {
  return [cutText(name, 200), ...[tests, failures, errors, skipped].map(String), `${seconds.toFixed(1)} s`];
}

function renderFailed({ suite, name, kind, message, text }: FailedTest): Markdown {
  const [said, rest] = [
    stripVTControlCharacters(message).trim(),
    stripVTControlCharacters(text).replace(/^\s*\n|\s+$/g, ""),
  ];
  const [first = ""] = (said || rest).split("\n");
  const title = `${kind === "error" ? "Error" : "Failed"}: ${name || suite}${first === "" ? "" : `: ${first.trim()}`}`;
  // Most programs repeat the message in the text.
  const parts = rest.includes(said) ? [rest] : [said, rest];
  const body = parts.filter((part) => part !== "").join("\n\n");
  return details(cutText(title, 300), body === "" ? [] : [fenced("text", cutText(body, MAX_TEXT).split("\n"))]);
}

/** A text, or its start and its end with a line between them. */
function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  if (most < MAX_TEXT) return `${text.slice(0, boundary(text, most))} …`;
  const [head, tail] = [boundary(text, Math.floor(most * 0.75)), boundary(text, text.length - Math.floor(most / 4))];
  return `${text.slice(0, head)}\n[${tail - head} characters are not shown here]\n${text.slice(tail)}`;
}

/** Folded away where something else says what is wrong. */
function renderTail(tail: readonly string[], open: boolean): readonly Markdown[] {
  if (tail.length === 0) return [];
  const lines = tail.map((line) => cutText(line, MAX_LINE));
  const block = fenced("text", lines);
  const title = `The last ${tail.length === 1 ? "line" : `${tail.length} lines`} of its output`;
  return open ? [heading(3, inline`${title}`), block] : [details(title, [block])];
}
