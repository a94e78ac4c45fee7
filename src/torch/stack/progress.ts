import type { Log } from "../../runner/log.ts";
import { COMPONENTS, type Component } from "../components.ts";

/** What the components of a boot do, for whoever waits. */
export interface Progress {
  /** Says what a component does, or waits for. */
  say(component: Component, what: string): void;
  /** A component does nothing any more that is waited for. */
  done(component: Component): void;
  /** Says nothing from now on. */
  stop(): void;
}

/** How often the log has a line for each component. */
const LOG_MILLISECONDS = 15_000;

/** What a component does, and since when. */
export interface Activity {
  readonly what: string;
  readonly since: number;
}

/** When an activity began: it goes on where only what follows a semicolon, such as the last answer, has changed. */
export function startOf(what: string, before: Activity | undefined, now: number): number {
  const phase = (text: string) => text.split("; ", 1)[0];
  return before !== undefined && phase(before.what) === phase(what) ? before.since : now;
}

/**
 * Shows what the components of a boot do: in the log a line each from time to time, and a debug line at each change, from
 * which a terminal makes one line each that it keeps up to date.
 */
export function startProgress(log: Pick<Log, "info" | "debug">): Progress {
  const open = new Map<Component, Activity>();
  const timer = setInterval(() => {
    for (const component of Object.values(COMPONENTS)) {
      const state = open.get(component);
      if (state !== undefined) log.info(formatProgress(component, `${state.what}${describeTime(state.since)}`));
    }
  }, LOG_MILLISECONDS);
  timer.unref();
  const done = (component: Component) => {
    if (open.delete(component)) log.debug(formatProgress(component, ""));
  };
  return {
    say(component, what) {
      const before = open.get(component);
      if (before?.what === what) return;
      open.set(component, { what, since: startOf(what, before, performance.now()) });
      log.debug(formatProgress(component, what));
    },
    done,
    stop() {
      clearInterval(timer);
      for (const component of open.keys()) done(component);
    },
  };
}

function describeTime(since: number): string {
  const seconds = Math.round((performance.now() - since) / 1000);
  return seconds > 0 ? ` (${seconds} s)` : "";
}

/** Before each line about a component that is waited for: a terminal knows them by it. */
const WAITING_MARK = "… ";

/** What a component does as a line; one that does nothing any more has only its title. */
function formatProgress({ title }: Component, what: string): string {
  return `${WAITING_MARK}${title}${what === "" ? "" : `: ${what}`}`;
}

/** Reads a line of the log, with or without its time, that says what a component does. */
export function parseProgress(line: string): { readonly title: string; readonly what: string } | undefined {
  const [, said] = /^(?: *\d+\.\d s {2})?… (.+)$/.exec(line) ?? [];
  const title = Object.values(COMPONENTS).find(
    (each) => said === each.title || said?.startsWith(`${each.title}: `),
  )?.title;
  return title === undefined || said === undefined ? undefined : { title, what: said.slice(title.length + 2) };
}

const MAX_STEP = 100;

/** The step of a Dockerfile that a line of BuildKit's plain progress begins: `[3/9] RUN composer install`. */
export function parseBuildStep(line: string): string | undefined {
  const [, place, step = ""] = /^#\d+ \[((?:[^\]\s]+ )?\d+\/\d+)\] (.+)$/.exec(line) ?? [];
  if (place === undefined) return undefined;
  return `[${place}] ${step.length > MAX_STEP ? `${step.slice(0, MAX_STEP)} ...` : step}`;
}
