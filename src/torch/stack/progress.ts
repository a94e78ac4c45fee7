import type { Log } from "../../runner/log.ts";
import { COMPONENTS, type Component, type ComponentName } from "../components.ts";

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

/**
 * Shows what the components of a boot do: in the log a line each from time to time, and as debug lines, which a terminal
 * shows in one place, all of them at each change.
 */
export function startProgress(log: Pick<Log, "info" | "debug">): Progress {
  const open = new Map<ComponentName, { readonly what: string; readonly since: number }>();
  const listed = () => Object.values(COMPONENTS).flatMap((component) => describe(component, open.get(component.name)));
  const timer = setInterval(() => {
    for (const line of listed()) log.info(line);
  }, LOG_MILLISECONDS);
  timer.unref();
  return {
    say({ name }, what) {
      if (open.get(name)?.what === what) return;
      open.set(name, { what, since: performance.now() });
      log.debug(listed().join("; "));
    },
    done({ name }) {
      open.delete(name);
    },
    stop() {
      clearInterval(timer);
      open.clear();
    },
  };
}

function describe({ title }: Component, state: { readonly what: string; readonly since: number } | undefined) {
  if (state === undefined) return [];
  const seconds = Math.round((performance.now() - state.since) / 1000);
  return [`${title}: ${state.what}${seconds > 0 ? ` (${seconds} s)` : ""}`];
}

const MAX_STEP = 100;

/** The step of a Dockerfile that a line of BuildKit's plain progress begins: `[3/9] RUN composer install`. */
export function parseBuildStep(line: string): string | undefined {
  const [, place, step = ""] = /^#\d+ \[((?:[^\]\s]+ )?\d+\/\d+)\] (.+)$/.exec(line) ?? [];
  if (place === undefined) return undefined;
  return `[${place}] ${step.length > MAX_STEP ? `${step.slice(0, MAX_STEP)} ...` : step}`;
}
