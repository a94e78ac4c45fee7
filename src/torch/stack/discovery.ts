/** What the broker's log says about its search for connectors. */
export interface Discovery {
  /** The names of the connectors that it found; whole lines if these have no names. */
  readonly found: readonly string[];
  /** The lines that say that it did not find one. */
  readonly lost: readonly string[];
}

/** A longer line is cut where it is shown. */
const MAX_LINE = 1000;

/** Reads what the broker's log says about its search. Connectors are counted by their names, or else by their lines. */
export function readDiscovery(log: string): Discovery {
  const lines = log.split("\n").map((line) => line.trim());
  const named = lines.flatMap((line) => {
    const name = /(?<!\S)(\S+)\s+discovery succeeded\b/i.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });
  // "Service discovery succeeded" does not name one.
  const nameless = named.filter((name) => /^(?:services?|connectors?|record)$/i.test(name));
  return {
    found: [...nameless, ...new Set(named.filter((name) => !nameless.includes(name)))],
    lost: lines.filter((line) => /\bdiscovery failed\b/i.test(line)).map((line) => line.slice(0, MAX_LINE)),
  };
}
