import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { errorCode } from "../errors.ts";

/** How a command ended; no exit code where it was stopped with its step. */
export interface CommandEnd {
  readonly exitCode?: number;
  readonly seconds?: number;
}

/** Reads what the command's step has written down: its exit code and its seconds. */
export function parseEnd(text: string): CommandEnd {
  const [, code, seconds] = /^(\d{1,3}) (\d{1,7})$/.exec(text.trim()) ?? [];
  return code === undefined ? {} : { exitCode: Number(code), seconds: Number(seconds) };
}

/** What a command printed. */
export interface CommandOutput {
  /** Its last lines, without colours. */
  readonly tail: readonly string[];
  /** What it asked the runner to mask. */
  readonly masks: readonly string[];
}

const TAIL_LINES = 50;
/** Of a line no more than this is kept. */
const MAX_PENDING = 16 * 1024;
/** More than a job has; the runner masks the others. */
const MAX_MASKS = 200;

/** Reads a command's output line by line, however long it is. */
export class OutputReader {
  readonly #tail: string[] = [];
  readonly #masks = new Set<string>();
  #pending = "";

  write(piece: string): void {
    const lines = piece.split("\n");
    for (const [index, line] of lines.entries()) {
      if (this.#pending.length < MAX_PENDING) this.#pending += line.slice(0, MAX_PENDING);
      if (index < lines.length - 1) this.#take();
    }
  }

  end(): CommandOutput {
    if (this.#pending !== "") this.#take();
    return { tail: this.#tail, masks: [...this.#masks] };
  }

  #take(): void {
    const line = this.#pending;
    this.#pending = "";
    const mask = readMask(line);
    if (mask !== undefined) {
      // Shorter ones are part of any text; the runner masks them, too.
      for (const part of mask.split(/\r?\n/).map((each) => each.trim()))
        if (part.length > 2 && this.#masks.size < MAX_MASKS) this.#masks.add(part);
      return;
    }
    this.#tail.push(toShownLine(line));
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }
}

/** The value that a line asks the runner to mask (actions/runner, ActionCommand.cs). */
function readMask(line: string): string | undefined {
  const [, data] =
    /^\s*::add-mask(?: [^:]*)?::(.*)$/i.exec(line) ?? /##\[add-mask(?: [^\]]*)?\](.*)$/i.exec(line) ?? [];
  return data?.replaceAll(/%0D/gi, "\r").replaceAll(/%0A/gi, "\n").replaceAll(/%25/g, "%");
}

/** A line as a terminal shows it in the end: without colours, and of what overwrites itself the last. */
export function toShownLine(line: string): string {
  const plain = stripVTControlCharacters(line).replace(/\r+$/, "");
  return plain.slice(plain.lastIndexOf("\r") + 1);
}

/** Reads what the command's step has left in its folder; `undefined` where it did not run. */
export async function readCommand(folder: string): Promise<(CommandEnd & CommandOutput) | undefined> {
  const reader = new OutputReader();
  try {
    for await (const piece of createReadStream(join(folder, "output"), "utf8")) reader.write(String(piece));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const ended = await readFile(join(folder, "ended"), "utf8").catch(() => "");
  return { ...parseEnd(ended), ...reader.end() };
}
