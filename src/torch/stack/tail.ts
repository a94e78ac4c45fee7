import { posix } from "node:path";
import type { ComponentLog } from "./logs.ts";

/**
 * Stack frames, member lists of a cluster, requests (ours among them), the heads of Java's two-line log entries, what
 * package managers say about packages, and what a script that runs a second time finds in place already.
 */
const NOISE = new RegExp(
  [
    /^\s+at [\w.$<>/]+[(:]|^\s*\.\.\. \d+ (?:more|common frames)|^#\d+ |^\[stacktrace\]|^\s*[~^]+\s*$/,
    /^\s*Members? [{[]|^\s*"?\}?\]?\s*$/,
    /\b(?:Accepted|Closing)$|\[\d{3}\]: (?:\([^)]*\) )?(?:GET|POST|HEAD) |"(?:GET|POST|HEAD) \S+ HTTP/,
    /^[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d{2}:\d{2} [AP]M [\w.$]+(?: \w+)?$/,
    /^npm (?:warn|notice|WARN)\b|^mkdir: .*File exists$|^Picked up JAVA_TOOL_OPTIONS/,
  ]
    .map(({ source }) => source)
    .join("|"),
);
const IMPORTANT =
  /\bSEVERE\b|"status":\s*"Failure"|\bresponse is\b|\bFATAL\b|\bERR(?:OR)?\b|(?:Exception|Error)\b|^Caused by|^Traceback|\bpanic\b|\b(?:denied|refused|failed|missing|unable|cannot)\b/i;
const MAX_LINE = 400;
const MAX_IMPORTANT = 8;
const MAX_LAST = 8;
const MAX_FILES_SHOWN = 3;

/** The message of an exception may continue on so many lines after its name. */
const CONTINUED = 3;

/** The beginning of a new entry, which does not continue the one before. */
const LEVEL = /^(?:INFO|DEBUG|FINE|CONFIG|WARN(?:ING)?)\b|^\[?\d{4}-\d{2}-\d{2}/;

/** A file that was last written this long before the newest one is about something else, in milliseconds. */
const SAME_TIME = 60_000;

/** The Liqo connector says this wherever it cannot download its program, which is seldom the reason. */
const SELDOM = /liqoctl/;

/**
 * The lines of a component's logs that a user is shown: those that name an error and the last ones of its container, and
 * before them those that name an error in its newest log files.
 */
export function tailOf(logs: readonly ComponentLog[]): readonly string[] {
  const withErrors = logs
    .filter(({ source, text }) => source !== "log" && IMPORTANT.test(text))
    .toSorted((a, b) => Number(SELDOM.test(a.text)) - Number(SELDOM.test(b.text)) || b.writtenAt - a.writtenAt);
  const newest = Math.max(0, ...withErrors.map(({ writtenAt }) => writtenAt));
  const files = withErrors.filter(({ writtenAt }) => newest - writtenAt <= SAME_TIME).slice(0, MAX_FILES_SHOWN);
  return [
    ...files.flatMap(({ source, text }) => {
      const { important } = readLines(text);
      return important.slice(-MAX_IMPORTANT).map((line) => `[${posix.basename(source)}] ${line}`);
    }),
    ...logs
      .filter(({ source }) => source === "log")
      .flatMap(({ text }) => {
        const { last, important } = readLines(text);
        const before = important.filter((line) => !last.includes(line)).slice(-MAX_IMPORTANT);
        return before.length === 0 ? last : [...before, "...", ...last];
      }),
  ];
}

/** How many lines that name an error are kept: more than are shown, because those among the last ones are not shown twice. */
const MAX_KEPT = 1000;

/** The last lines of a text, and those that name an error with the lines that continue each; noise is left out. */
function readLines(text: string): { readonly last: readonly string[]; readonly important: readonly string[] } {
  const last: string[] = [];
  const important: string[] = [];
  let sinceError = Number.POSITIVE_INFINITY;
  for (const line of linesWithoutNoise(text)) {
    sinceError = IMPORTANT.test(line) ? 0 : sinceError + 1;
    if (sinceError === 0 || (sinceError <= CONTINUED && !LEVEL.test(line))) important.push(line);
    if (important.length > 2 * MAX_KEPT) important.splice(0, MAX_KEPT);
    last.push(line);
    if (last.length > MAX_LAST) last.shift();
  }
  return { last, important };
}

/** Each line is cut before it is searched: its length is not in our hands. */
function* linesWithoutNoise(text: string): Generator<string> {
  for (const { 0: whole } of text.matchAll(/[^\r\n]+/g)) {
    const line = whole.slice(0, MAX_LINE).trimEnd();
    if (line !== "" && !NOISE.test(line)) yield whole.length > MAX_LINE ? `${line} ...` : line;
  }
}
