import type { Exec, ExecResult } from "../exec.ts";
import { type DockerOptions, docker, linesOf, wroteTooMuch } from "./client.ts";

/** Which part of a container's log is read: so many lines of its end, or what it wrote since a time. */
export type LogPart = { readonly tail: number } | { readonly since: string };

/** Arguments that read a container's log. */
export function logArgs(container: string, part: LogPart, ...options: readonly string[]): readonly string[] {
  const selection = "tail" in part ? ["--tail", String(part.tail)] : ["--since", part.since];
  return ["logs", ...options, ...selection, container];
}

/** Reads a part of a container's log, each stream for itself. */
export async function readLogStreams(
  container: string,
  part: LogPart,
  options: DockerOptions,
  exec: Exec,
): Promise<ExecResult> {
  return await docker(logArgs(container, part), options, exec);
}

/** Of a log that is read whole: how many lines of its end, and how many if those are too long. */
const MAX_LINES = 20_000;
const FEW_LINES = 500;
const MAX_BYTES = 16 * 1024 * 1024;

/** What a container wrote, both streams in the order of time: the end of it, or since a time the beginning. */
export async function readContainerLog(container: string, exec: Exec, since?: string): Promise<string> {
  const options = { timeoutSeconds: 60, purpose: `reading the log of ${container}`, maxOutputBytes: MAX_BYTES };
  const read = (part: LogPart) => docker(logArgs(container, part, "--timestamps"), options, exec);
  const readFew = (error: unknown) => {
    if (!wroteTooMuch(error)) throw error;
    return since === undefined ? read({ tail: FEW_LINES }) : error;
  };
  // Of what is still too much, what was read before it was stopped.
  const { stdout, stderr } = await read(since === undefined ? { tail: MAX_LINES } : { since })
    .catch(readFew)
    .catch((error: unknown) => {
      if (!wroteTooMuch(error)) throw error;
      return error;
    });
  return mergeStreams(stdout.slice(0, MAX_BYTES), stderr.slice(0, MAX_BYTES));
}

/** Puts two streams of lines with Docker's time stamps, which sort as text, into one without them. */
export function mergeStreams(...streams: readonly string[]): string {
  const stamped = streams.flatMap(linesOf).map((line) => {
    const at = line.indexOf(" ");
    return at === -1 ? { time: line, text: "" } : { time: line.slice(0, at), text: line.slice(at + 1) };
  });
  // Sorting is stable: what one stream wrote in one instant keeps its order.
  return stamped
    .toSorted((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
    .map(({ text }) => `${text}\n`)
    .join("");
}
