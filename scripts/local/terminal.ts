import { unescapeData } from "./command-files.ts";

/** Shows a step's log in a terminal. */
export interface Terminal {
  /** Shows a line; a debug line, which the runner shows only on request, is overwritten by the next one. */
  show(line: string): void;
  /** Removes that debug line. */
  end(): void;
}

/** Opens a terminal. If the output is not one (a file, a pipe), only whole lines without colours go to it. */
export function openTerminal(output: NodeJS.WriteStream): Terminal {
  const colours = output.isTTY && process.env.NO_COLOR === undefined;
  let progress = false;
  const end = () => {
    if (progress) output.write("\r\u001b[2K");
    progress = false;
  };
  return {
    show(line) {
      const { text, colour } = readLine(line);
      if (text === undefined) return;
      if (colour === "progress") {
        // A line that is wider than the terminal could not be overwritten.
        const short = text
          .replace(/\s+/g, " ")
          .trim()
          .slice(0, Math.max(0, output.columns - 1));
        if (!output.isTTY || short === "") return;
        end();
        output.write(colours ? paint("2", short) : short);
        progress = true;
        return;
      }
      end();
      output.write(`${colours && colour !== undefined ? paint(colour, text) : text}\n`);
    },
    end,
  };
}

/** A line of a step's log: workflow commands become headings, colours and progress. */
function readLine(line: string): { readonly text?: string; readonly colour?: string } {
  const [, command, data = ""] = /^::([a-z-]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
  switch (command) {
    case undefined:
      return { text: line };
    case "group":
      return { text: `\n${data}`, colour: "1" };
    case "error":
      return { text: `\nError: ${unescapeData(data)}`, colour: "31" };
    case "warning":
      return { text: `Warning: ${unescapeData(data)}`, colour: "33" };
    case "notice":
      return { text: unescapeData(data) };
    case "debug":
      return { text: unescapeData(data), colour: "progress" };
    default:
      return {};
  }
}

function paint(colour: string, text: string): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}
