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
  /** Begins a phase whose end is seen elsewhere; closing it again changes nothing. */
  open(name: string): { close(): void };
}

export function startTimeline(): Timeline {
  const phases: Phase[] = [];
  const elapsed = () => Math.round(performance.now());
  const begin = (name: string) => {
    const phase: Phase = { name, start: elapsed(), end: undefined, failed: false };
    phases.push(phase);
    return phase;
  };
  return {
    phases,
    open(name) {
      const phase = begin(name);
      return {
        close: () => {
          phase.end ??= elapsed();
        },
      };
    },
    async measure(name, work) {
      const phase = begin(name);
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
