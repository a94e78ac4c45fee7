import type { Parsed } from "./issue.ts";

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Reads a duration in Go's format (`90s`, `1h30m`, `0`) into seconds. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let nanoseconds = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    nanoseconds += Math.round(Number(amount) * (NANOSECONDS[unit] ?? Number.NaN));
  }
  return Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : undefined;
}

/** A duration between two bounds, in seconds. */
export function duration(bounds: { readonly min: string; readonly max: string }) {
  const min = parseDuration(bounds.min) ?? 0;
  const max = parseDuration(bounds.max) ?? Number.POSITIVE_INFINITY;
  const allowed = `a duration from ${bounds.min} to ${bounds.max}, in the format of Go (90s, 5m, 1h30m)`;
  return (text: string): Parsed<number> => {
    const seconds = parseDuration(text);
    if (seconds === undefined) {
      const fix = /^\d+$/.test(text) ? `write its unit, such as ${text}s` : "write a number with its unit, such as 5m";
      return { issue: { reason: "is not a duration", allowed, fix } };
    }
    if (seconds < min || seconds > max) {
      return {
        issue: { reason: "is out of range", allowed, fix: `choose one from ${bounds.min} to ${bounds.max}` },
      };
    }
    return { value: seconds };
  };
}
