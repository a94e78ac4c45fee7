import { unescapeData } from "./runner.ts";

const COLOUR = process.stdout.isTTY && process.env.NO_COLOR === undefined;

/** A line of a step's log as a terminal shows it: workflow commands become headings and colours. */
export function renderLine(line: string): string | undefined {
  const [, command, data = ""] = /^::([a-z-]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
  switch (command) {
    case undefined:
      return line;
    case "group":
      return paint("1", `\n${data}`);
    case "error":
      return paint("31", `\nError: ${unescapeData(data)}`);
    case "warning":
      return paint("33", `Warning: ${unescapeData(data)}`);
    case "notice":
      return unescapeData(data);
    default:
      return undefined;
  }
}

function paint(colour: string, text: string): string {
  return COLOUR ? `\u001b[${colour}m${text}\u001b[0m` : text;
}
