import { StringDecoder } from "node:string_decoder";

/** How the output of a command is read. */
export interface OutputOptions {
  /** How standard output is decoded; `latin1` keeps every byte. */
  readonly encoding?: "utf8" | "latin1";
  /** The command is ended when it has written more than this to one of its streams; 256 MiB where it is not set. */
  readonly maxOutputBytes?: number;
  /** Called for each line of either stream as it arrives. */
  readonly onLine?: (line: string) => void;
}

/** What a command may write where nothing else is set: container logs are read whole, and they can be long. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Why a command that writes more is ended. */
export const TOO_MUCH = "printed too much";

/**
 * And in one line: @actions/exec searches a line for its end from its beginning with each piece that arrives, in quadratic
 * time (its toolrunner.ts, _processLineBuffer).
 */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Gathers what a command writes, in lines too, and says when it is too much. */
export function collectOutput({ encoding = "utf8", maxOutputBytes = MAX_OUTPUT_BYTES, onLine }: OutputOptions) {
  const tooMuch = Promise.withResolvers<string>();
  const collect = () => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let lineBytes = 0;
    const lines = onLine === undefined ? undefined : splitLines(onLine);
    return {
      add: (chunk: Buffer) => {
        bytes += chunk.length;
        const lineEnd = chunk.lastIndexOf("\n");
        lineBytes = lineEnd === -1 ? lineBytes + chunk.length : chunk.length - lineEnd - 1;
        if (bytes > maxOutputBytes) return tooMuch.resolve(TOO_MUCH);
        if (lineBytes > MAX_LINE_BYTES) return tooMuch.resolve("printed a line that is too long");
        chunks.push(chunk);
        lines?.add(chunk);
      },
      finish: () => lines?.finish(),
      text: (as: BufferEncoding) => Buffer.concat(chunks).toString(as),
    };
  };
  const [stdout, stderr] = [collect(), collect()];
  return {
    addStdout: stdout.add,
    addStderr: stderr.add,
    tooMuch: tooMuch.promise,
    finish: () => {
      stdout.finish();
      stderr.finish();
    },
    read: () => ({ stdout: stdout.text(encoding), stderr: stderr.text("utf8") }),
  };
}

/** Calls for each line; the last one may have no line end. */
function splitLines(onLine: (line: string) => void) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    add: (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    },
    finish: () => {
      rest += decoder.end();
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}

/** The last lines that explain something; a Go program's stack, whose lines are a path or a bare name, is left out. */
export function tailOf(output: string): string {
  const all = output
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  const telling = all.filter((line) => /\S\s+\S/.test(line) && !/^\s+\S+\.go:\d+/.test(line));
  const lines = telling.length > 0 ? telling : all;
  return lines.length === 0 ? "" : `: ${lines.slice(-6).join("\n")}`;
}
