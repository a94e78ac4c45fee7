import * as core from "@actions/core";
import { withoutSecrets } from "./mask.ts";

/** The job's log. Lines have the seconds since the step began, because phases run in parallel. */
export interface Log {
  info(line: string): void;
  /** A line without the time. */
  plain(line: string): void;
  /** An annotation: only for what the user should act on. */
  warning(message: string): void;
  debug(line: string): void;
  startGroup(name: string): void;
  endGroup(): void;
}

/**
 * The log of the step that runs in this process, and the only way to write to it. Text that others wrote comes through
 * here too (a component's output, names in a template), so secrets are taken out, and none of it can become a command to
 * the runner.
 */
export function createLog(): Log {
  return {
    info: (line) => {
      const [first = "", ...others] = toLogLines(withoutSecrets(line));
      core.info(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${first}`);
      for (const other of others) core.info(`          ${CONTINUED}${other}`);
    },
    plain: (line) => {
      for (const each of toLogLines(withoutSecrets(line)))
        core.info(each.trimStart().startsWith("::") ? `| ${each}` : each);
    },
    warning: (message) => core.warning(toAnnotation(message)),
    debug: (line) => core.debug(toAnnotation(line)),
    startGroup: (name) => core.startGroup(toLogLines(withoutSecrets(name)).join(" ")),
    endGroup: () => core.endGroup(),
  };
}

/** Fails the step. */
export function failStep(message: string): void {
  core.setFailed(toAnnotation(message));
}

/** Before a line that continues an entry, so that none of its text is at the start of a line. */
const CONTINUED = "| ";

/** A message of several lines; the toolkit escapes its line ends. */
function toAnnotation(message: string): string {
  return toLogLines(withoutSecrets(message)).join("\n");
}

/**
 * A text as lines that the runner reads as nothing but text. The runner also ends a line at a bare carriage return, trims
 * what is before `::`, and finds `##[` anywhere in a line (actions/runner, ActionCommand.cs, 2.336).
 */
export function toLogLines(text: string): readonly string[] {
  return text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/).map((line) =>
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal or a browser would act on is shown instead.
      .replace(/[\u0000-\u0008\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
      .replaceAll("##[", "## ["),
  );
}
