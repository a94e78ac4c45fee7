import { COMPONENTS } from "../../src/torch/components.ts";
import { parseProgress } from "../../src/torch/stack/progress.ts";
import { unescapeData } from "./command-files.ts";
import { rowsOf, Status } from "./status.ts";

/** Shows a step's log in a terminal. */
export interface Terminal {
  /** Shows a line; what a debug line says, which the runner shows only on request, is kept up to date below the log. */
  show(line: string): void;
  /** Removes what is below the log. */
  end(): void;
}

/** What a terminal is written to. */
export type Output = Pick<NodeJS.WriteStream, "isTTY" | "columns" | "rows"> & { write(text: string): unknown };

const TICK_MILLISECONDS = 1000;

/** Opens a terminal. If the output is not one (a file, a pipe) or cannot move its cursor, only whole lines go to it. */
export function openTerminal(output: Output, environment: NodeJS.ProcessEnv = process.env): Terminal {
  const inPlace = output.isTTY && environment.TERM !== "dumb";
  const colours = inPlace && environment.NO_COLOR === undefined;
  const footer = inPlace ? openFooter(output, colours) : undefined;
  return {
    show(line) {
      const { text, colour } = readLine(line);
      if (text === undefined || footer?.take(text, colour === "debug")) return;
      if (colour === "debug") return;
      footer?.hide();
      output.write(`${colours && colour !== undefined ? paint(colour, text) : text}\n`);
      footer?.draw();
    },
    end: () => footer?.end(),
  };
}

/** The lines below the log, which are written over. */
interface Footer {
  /** Takes a line that belongs here. @returns whether it does. */
  take(text: string, debug: boolean): boolean;
  hide(): void;
  draw(): void;
  end(): void;
}

function openFooter(output: Output, colours: boolean): Footer {
  const status = new Status();
  let shown: readonly string[] = [];
  const erasing = () => {
    if (shown.length === 0) return "";
    const up = rowsOf(shown, output.columns || 80) - 1;
    shown = [];
    return `\r${up > 0 ? `\u001b[${up}A` : ""}\u001b[J`;
  };
  const hide = () => output.write(erasing());
  const draw = () => {
    const lines = status.render(performance.now(), output.columns || 80, output.rows || 24);
    const erase = erasing();
    shown = lines;
    output.write(erase + lines.map((line) => (colours ? paint("2", line) : line)).join("\n"));
  };
  const timer = setInterval(() => status.waits && draw(), TICK_MILLISECONDS);
  timer.unref();
  return {
    take(text, debug) {
      const progress = parseProgress(text);
      // What the log says every 15 s is here already.
      if (progress !== undefined && !debug) return true;
      if (!debug) {
        status.remark("");
        return false;
      }
      if (progress !== undefined) status.say(progress.title, progress.what, performance.now());
      // Of a build that has a line of its own, no second one.
      else if (!(status.waits && BUILD_OUTPUT.test(text))) status.remark(text);
      draw();
      return true;
    },
    hide,
    draw,
    end() {
      clearInterval(timer);
      status.clear();
      hide();
    },
  };
}

const BUILD_OUTPUT = new RegExp(`^(?:${Object.keys(COMPONENTS).join("|")}): `);

/** A line of a step's log: workflow commands become headings, colours and debug lines. */
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
      return { text: unescapeData(data), colour: "debug" };
    default:
      return {};
  }
}

function paint(colour: string, text: string): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}
