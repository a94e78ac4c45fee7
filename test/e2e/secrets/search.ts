import type { Needle } from "./needles.ts";

/** The algorithm of Wu and Manber, for which every needle has at least so many bytes. */
const LENGTH = 16;
/** So many bytes are looked at, at a time; a number of so many bits stands for them. */
const BLOCK = 4;
const BITS = 22;

/** Looks for all needles at once. */
export class Search {
  /** By a block: how far the next place is at which a needle can begin, if the block is the last that was looked at. */
  readonly #shifts = new Uint8Array(1 << BITS).fill(LENGTH - BLOCK + 1);
  /** The needles whose first bytes end with a block. */
  readonly #ends = new Map<number, Needle[]>();

  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      if (needle.bytes.length < LENGTH) throw new Error(`${needle.what}: ${needle.bytes.length} bytes are too few`);
      for (let end = BLOCK; end <= LENGTH; end += 1) {
        const block = blockAt(needle.bytes, end - 1);
        this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, LENGTH - end);
        if (end === LENGTH) this.#ends.set(block, [...(this.#ends.get(block) ?? []), needle]);
      }
    }
  }

  /** What of the needles is in these bytes, each once. */
  find(bytes: Uint8Array): ReadonlySet<string> {
    const found = new Set<string>();
    const shifts = this.#shifts;
    const { length } = bytes;
    for (let at = LENGTH - 1; at < length; ) {
      const block = blockAt(bytes, at);
      const shift = shifts[block] ?? 1;
      if (shift === 0) for (const { what } of this.#matches(bytes, at - LENGTH + 1, block)) found.add(what);
      at += shift === 0 ? 1 : shift;
    }
    return found;
  }

  #matches(bytes: Uint8Array, from: number, block: number): readonly Needle[] {
    const isHere = ({ bytes: needle }: Needle) => needle.every((byte, index) => bytes[from + index] === byte);
    return (this.#ends.get(block) ?? []).filter(isHere);
  }
}

/** The number of the block that ends at a place. */
function blockAt(bytes: Uint8Array, end: number): number {
  const whole =
    ((bytes[end - 3] ?? 0) << 24) | ((bytes[end - 2] ?? 0) << 16) | ((bytes[end - 1] ?? 0) << 8) | (bytes[end] ?? 0);
  // Knuth's multiplicative hash.
  return Math.imul(whole, 0x9e3779b1) >>> (32 - BITS);
}
