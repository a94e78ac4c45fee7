import { posix } from "node:path";
import { CommandError, type Exec } from "../../exec.ts";

/** What a component said in one place: its container's log, or a log file in it. */
export interface Words {
  /** `log`, or the file's path in the container. */
  readonly source: string;
  readonly text: string;
  /** When a file was last written, in milliseconds; the container's own log is always the newest. */
  readonly writtenAt: number;
}

/** A text file that a program keeps its log in, by its name. */
const LOG_FILE = /(?:[-_.]logs?\.txt|\.log|\.out)$/i;

/** Files of packages, package managers and the system. */
const NOT_ITS_OWN =
  /\/(?:node_modules|vendor|\.git|\.npm|\.cache|proc|sys)\/|^\/var\/log\/(?:apt|dpkg|alternatives|bootstrap)/;
const MAX_FILES = 30;
const MEBIBYTE = 1024 * 1024;
const MAX_FILE_BYTES = 16 * MEBIBYTE;

/** All of a container's files together. */
const MAX_FILES_BYTES = 64 * MEBIBYTE;

/** Of a container's log that is read whole: how many lines of its end, and how many where those are too long. */
const MAX_LOG_LINES = 20_000;
const FEW_LOG_LINES = 500;
const MAX_LOG_BYTES = 16 * MEBIBYTE;

/** Reads what a component said, whether it still runs or not: the end of its log. What cannot be read is left out. */
export async function readWords(container: string, exec: Exec): Promise<readonly Words[]> {
  const log = await readContainerLog(container, exec).catch(() => "");
  const files = await readLogFiles(container, exec).catch(() => []);
  return [{ source: "log", text: log, writtenAt: Number.POSITIVE_INFINITY }, ...files];
}

/** What a container wrote, both streams in the order of time: the end of it, or since a time the beginning. */
export async function readContainerLog(container: string, exec: Exec, since?: string): Promise<string> {
  const read = async (lines: number) => {
    const part = since === undefined ? ["--tail", String(lines)] : ["--since", since];
    const args = ["logs", "--timestamps", ...part, container];
    const purpose = `reading the log of ${container}`;
    return await exec({ file: "docker", args, timeoutSeconds: 60, purpose, maxOutputBytes: MAX_LOG_BYTES });
  };
  const readFew = (error: unknown) => {
    if (!isTooMuch(error)) throw error;
    return since === undefined ? read(FEW_LOG_LINES) : error;
  };
  // Of what is still too much, what was read before it was stopped.
  const { stdout, stderr } = await read(MAX_LOG_LINES)
    .catch(readFew)
    .catch((error: unknown) => {
      if (!isTooMuch(error)) throw error;
      return error;
    });
  return mergeStreams(stdout.slice(0, MAX_LOG_BYTES), stderr.slice(0, MAX_LOG_BYTES));
}

function isTooMuch(error: unknown): error is CommandError {
  return error instanceof CommandError && /wrote more than is read/.test(error.message);
}

/** Puts two streams of lines with Docker's time stamps, which sort as text, into one without them. */
export function mergeStreams(...streams: readonly string[]): string {
  const lines = streams.flatMap((stream) => stream.split("\n").filter((line) => line !== ""));
  const stamped = lines.map((line) => {
    const at = line.indexOf(" ");
    return at === -1 ? { time: line, text: "" } : { time: line.slice(0, at), text: line.slice(at + 1) };
  });
  // Sorting is stable: what one stream wrote in one instant keeps its order.
  return stamped
    .toSorted((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
    .map(({ text }) => `${text}\n`)
    .join("");
}

/** The log files that a container has written in itself. */
async function readLogFiles(container: string, exec: Exec): Promise<readonly Words[]> {
  const { stdout } = await exec({
    file: "docker",
    args: ["diff", container],
    timeoutSeconds: 60,
    purpose: `looking for log files in ${container}`,
  });
  const paths = stdout
    .split("\n")
    .filter((line) => /^[AC] \//.test(line))
    .map((line) => line.slice(2))
    .filter((path) => LOG_FILE.test(path) && !NOT_ITS_OWN.test(path))
    .slice(0, MAX_FILES);
  const read: Words[] = [];
  let left = MAX_FILES_BYTES;
  for (const path of paths) {
    const words = await readFileOf(container, path, Math.min(MAX_FILE_BYTES, left), exec);
    if (words === undefined) continue;
    read.push(words);
    left -= words.text.length;
  }
  return read;
}

/** Reads one file of a container: as an archive on a stream, so that nothing is unpacked here. */
async function readFileOf(container: string, path: string, maxBytes: number, exec: Exec): Promise<Words | undefined> {
  const tooLarge = { source: path, text: `larger than ${maxBytes} bytes, not read\n`, writtenAt: 0 };
  if (maxBytes <= BLOCK) return tooLarge;
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["cp", `${container}:${path}`, "-"],
      timeoutSeconds: 60,
      purpose: `reading ${path} of ${container}`,
      encoding: "latin1",
      maxOutputBytes: maxBytes,
    });
    const file = readTarFile(Buffer.from(stdout, "latin1"));
    return file === undefined ? undefined : { source: path, text: file.text, writtenAt: file.writtenAt };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return isTooMuch(error) ? tooLarge : undefined;
  }
}

const BLOCK = 512;

/** The regular file in an archive of one (POSIX ustar; extended headers are passed over). */
export function readTarFile(tar: Buffer): { readonly text: string; readonly writtenAt: number } | undefined {
  const octal = (offset: number, length: number) =>
    Number.parseInt(tar.toString("latin1", offset, offset + length).replace(/[\0 ]+$/, ""), 8) || 0;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const size = Math.max(0, octal(at + 124, 12));
    const type = String.fromCharCode(tar[at + 156] ?? 0);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (type === "0" || type === "\0") return { text: body.toString(), writtenAt: octal(at + 136, 12) * 1000 };
    if (type !== "x" && type !== "g") return undefined;
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

/**
 * Stack frames, member lists of a cluster, requests (ours among them), the heads of Java's two-line log entries, what
 * package managers say of packages, and what a script that runs a second time finds there already.
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

/** An exception's message may stand on the lines after its name. */
const CONTINUED = 3;

/** The begin of an entry of its own, which continues none. */
const LEVEL = /^(?:INFO|DEBUG|FINE|CONFIG|WARN(?:ING)?)\b|^\[?\d{4}-\d{2}-\d{2}/;

/** A file that was last written this long before the newest one speaks of something else, in milliseconds. */
const SAME_TIME = 60_000;

/** What the Liqo connector says wherever it cannot download its program: seldom the reason. */
const SELDOM = /liqoctl/;

/**
 * What of a component's words a person is shown: the lines that speak of an error, and the last ones; of its files
 * those that speak of one and were written last.
 */
export function tailOf(words: readonly Words[]): readonly string[] {
  const speaking = words
    .filter(({ source, text }) => source !== "log" && IMPORTANT.test(text))
    .toSorted((a, b) => Number(SELDOM.test(a.text)) - Number(SELDOM.test(b.text)) || b.writtenAt - a.writtenAt);
  const newest = Math.max(0, ...speaking.map(({ writtenAt }) => writtenAt));
  const files = speaking.filter(({ writtenAt }) => newest - writtenAt <= SAME_TIME).slice(0, MAX_FILES_SHOWN);
  return [
    ...files.flatMap(({ source, text }) => {
      const { important } = readLines(text);
      return important.slice(-MAX_IMPORTANT).map((line) => `[${posix.basename(source)}] ${line}`);
    }),
    ...words
      .filter(({ source }) => source === "log")
      .flatMap(({ text }) => {
        const { last, important } = readLines(text);
        const before = important.filter((line) => !last.includes(line)).slice(-MAX_IMPORTANT);
        return before.length === 0 ? last : [...before, "...", ...last];
      }),
  ];
}

/** Of the lines that speak of an error, more than are shown: one that is among the last ones is not shown twice. */
const MAX_KEPT = 1000;

/** The last lines of a text that say something, and those that speak of an error with what follows each. */
function readLines(text: string): { readonly last: readonly string[]; readonly important: readonly string[] } {
  const last: string[] = [];
  const important: string[] = [];
  let sinceNamed = Number.POSITIVE_INFINITY;
  for (const line of tellingLines(text)) {
    sinceNamed = IMPORTANT.test(line) ? 0 : sinceNamed + 1;
    if (sinceNamed === 0 || (sinceNamed <= CONTINUED && !LEVEL.test(line))) important.push(line);
    if (important.length > 2 * MAX_KEPT) important.splice(0, MAX_KEPT);
    last.push(line);
    if (last.length > MAX_LAST) last.shift();
  }
  return { last, important };
}

/** Each line is cut before anything is looked for in it: how long it is, others decide. */
function* tellingLines(text: string): Generator<string> {
  for (const { 0: whole } of text.matchAll(/[^\r\n]+/g)) {
    const line = whole.slice(0, MAX_LINE).trimEnd();
    if (line !== "" && !NOISE.test(line)) yield whole.length > MAX_LINE ? `${line} ...` : line;
  }
}
