import { needlesOf, type Secret } from "./needles.ts";
import { Search } from "./search.ts";
import { unpack } from "./unpack.ts";

/** A secret that was found. */
export interface Trace {
  /** The secret, and how it is encoded. */
  readonly what: string;
  readonly place: string;
}

/** Finds secrets in a content and in all that is packed in it. */
export type FindTraces = (place: string, content: Uint8Array | string) => readonly Trace[];

/**
 * Prepares the search for secrets of any kind: any piece of one (of 23 bytes and more, the whole of a shorter one), as it is or
 * encoded, in texts, bytes and archives.
 */
export function traces(secrets: readonly Secret[]): FindTraces {
  const search = new Search(needlesOf(secrets));
  return (place, content) => {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    return [...unpack({ place, bytes })].flatMap((each) =>
      [...search.find(each.bytes)].map((what) => ({ what, place: each.place })),
    );
  };
}
