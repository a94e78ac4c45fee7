import { createRandom } from "../chaos/plan.ts";

/** Choices that follow from a seed. */
export class Choices {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = createRandom(seed);
  }

  /** A whole number from 0 to one less than this. */
  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  /** Whether something happens that happens so often of one. */
  chance(fraction: number): boolean {
    return this.#next() < fraction;
  }

  /** One of these. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("there is nothing to choose from");
    return item;
  }

  /** Some of these, each once, in another order. */
  some<T>(items: readonly T[], count: number): readonly T[] {
    const left = [...items];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.below(left.length), 1)).flat();
  }
}

/** The seed of the set with this number: it does not depend on how many there are. */
export function seedOf(seed: number, number: number): number {
  return (seed ^ Math.imul(number, 0x9e3779b1)) >>> 0;
}
