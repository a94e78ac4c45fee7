import * as core from "@actions/core";

/** The job's log. Lines carry the seconds since the step began, for phases run side by side. */
export interface Log {
  info(line: string): void;
  /** A line without the time. */
  plain(line: string): void;
  /** An annotation: only for what a person should act on. */
  warning(message: string): void;
  debug(line: string): void;
  startGroup(name: string): void;
  endGroup(): void;
}

/** The log of the step that runs in this process. */
export function createLog(): Log {
  return {
    info: (line) => core.info(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${line}`),
    plain: (line) => core.info(line),
    warning: (message) => core.warning(message),
    debug: (line) => core.debug(line),
    startGroup: (name) => core.startGroup(name),
    endGroup: () => core.endGroup(),
  };
}
