/** One phase of a run. Phases overlap: what need not wait does not. */
export interface Phase {
  readonly name: string;
  /** Milliseconds since the run began. */
  readonly start: number;
  /** `undefined` while it runs. */
  end: number | undefined;
  failed: boolean;
}

/** The phases of a run as they happen. */
export interface Timeline {
  readonly phases: readonly Phase[];
  measure<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function startTimeline(): Timeline {
  const phases: Phase[] = [];
  const elapsed = () => Math.round(performance.now());
  return {
    phases,
    async measure(name, work) {
      const phase: Phase = { name, start: elapsed(), end: undefined, failed: false };
      phases.push(phase);
      try {
        return await work();
      } catch (error) {
        phase.failed = true;
        throw error;
      } finally {
        phase.end = elapsed();
      }
    },
  };
}
