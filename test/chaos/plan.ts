/** How a step is ended: as the runner cancels it, as a machine that shuts down ends it, and as nothing can be handled. */
export const SIGNALS = ["SIGKILL", "SIGTERM", "SIGINT"] as const;

/** When a step is ended. Each has a fraction, so that the same seed gives the same moment on a machine of any speed. */
export interface Moment {
  /**
   * `run`: at a fraction of the time that a whole run takes. `nodes`, `torch`: that fraction of a second after Docker is asked
   * for the first node, or Compose for the first of TORCH-V2's containers.
   */
  readonly within: "run" | "nodes" | "torch";
  readonly fraction: number;
}

/** A run that is ended at one moment. */
export interface Round {
  readonly number: number;
  readonly signal: (typeof SIGNALS)[number];
  readonly nodes: 1 | 2;
  readonly torch: boolean;
  readonly moment: Moment;
}

const PLACES = ["run", "nodes", "run", "torch", "run"] as const;

/**
 * The rounds of a seed. Of each five, one falls in the second in which Docker makes the nodes and one in the second in which
 * Compose makes TORCH-V2's containers: there most was left before.
 */
export function planRounds(count: number, seed: number): readonly Round[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index): Round => {
    const within = PLACES[index % PLACES.length] ?? "run";
    const [signal, nodes, torch, fraction] = [random(), random(), random(), random()];
    return {
      number: index + 1,
      signal: SIGNALS[Math.floor(signal * SIGNALS.length)] ?? "SIGKILL",
      nodes: nodes < 0.5 ? 1 : 2,
      torch: within === "torch" || torch < 0.5,
      moment: { within, fraction },
    };
  });
}

/** What a round does, in a line that is the same whenever its seed is given. */
export function describeRound({ number, signal, nodes, torch, moment }: Round): string {
  const what = `${nodes} node(s)${torch ? ", TORCH-V2" : ""}`;
  const at = {
    run: `${Math.round(moment.fraction * 100)} % of the run`,
    nodes: `${Math.round(moment.fraction * 1000)} ms after the first node is asked for`,
    torch: `${Math.round(moment.fraction * 1000)} ms after Compose begins`,
  }[moment.within];
  return `round ${number}: ${signal} at ${at}, ${what}`;
}

/** Numbers from 0 to 1 that follow from a seed (the algorithm is mulberry32, which is in the public domain). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
