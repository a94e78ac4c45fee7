/** One phase of a run. Phases overlap: what need not wait does not. */
export interface Phase {
  readonly name: string;
  /** Milliseconds since the run began. */
  readonly start: number;
  /** `undefined` while it runs. */
  end: number | undefined;
  /** `stopped`: it ended without success because another phase had failed meanwhile. */
  state: "running" | "done" | "failed" | "stopped";
}

/** The phases of a run as they happen. */
export interface Timeline {
  readonly phases: readonly Phase[];
  measure<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Ends the phases that still run, because the run fails. */
  stop(): void;
}

export function startTimeline(): Timeline {
  const phases: Phase[] = [];
  let failures = 0;
  const elapsed = () => Math.round(performance.now());
  const finish = (phase: Phase, state: Phase["state"]) => {
    phase.end = elapsed();
    phase.state = state;
  };
  return {
    phases,
    async measure(name, work) {
      const phase: Phase = { name, start: elapsed(), end: undefined, state: "running" };
      const failuresBefore = failures;
      phases.push(phase);
      try {
        const result = await work();
        finish(phase, "done");
        return result;
      } catch (error) {
        finish(phase, failures > failuresBefore ? "stopped" : "failed");
        failures += 1;
        throw error;
      }
    },
    stop() {
      for (const phase of phases.filter(({ state }) => state === "running")) finish(phase, "stopped");
    },
  };
}
