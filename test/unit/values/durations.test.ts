import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { duration, parseDuration } from "../../../src/values/durations.ts";
import { HOSTILE } from "./hostile.ts";

test("a duration is the sum of its parts, exact to the nanosecond", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["0s", 0],
    ["90s", 90],
    ["5m", 300],
    ["1h30m", 5400],
    ["1h1m1s1ms", 3661.001],
    ["1.5h", 5400],
    ["1.1h", 3960],
    ["16.1h", 57960],
    ["8760h", 31_536_000],
    ["1500ms", 1.5],
    ["1us", 1e-6],
    ["1µs", 1e-6],
    ["10ns", 1e-8],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds, text);
});

test("what Go does not accept as a duration is refused", () => {
  const cases = [
    "5",
    "m",
    "5 m",
    "5m ",
    "-5m",
    "+5m",
    "5M",
    "5min",
    "1d",
    "1,5h",
    "5m\n",
    "٥m",
    "5m30",
    "1..5h",
    "1e3s",
  ];
  for (const text of [...HOSTILE, ...cases]) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
  assert.equal(parseDuration(`${"9".repeat(400)}h`), undefined);
});

test("no text gives a duration that is negative or not a number", () => {
  const like = fc.string({ unit: fc.constantFrom(..."0159.hmsnuµ- "), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      const seconds = parseDuration(text);
      assert.ok(seconds === undefined || (Number.isFinite(seconds) && seconds >= 0 && !Object.is(seconds, -0)));
    }),
  );
});

test("hours, minutes and seconds of any size are read back", () => {
  const part = fc.nat({ max: 100_000 });
  fc.assert(
    fc.property(part, part, part, (h, m, s) => assert.equal(parseDuration(`${h}h${m}m${s}s`), h * 3600 + m * 60 + s)),
  );
});

test("the bounds of a duration are included", () => {
  const lifetime = duration({ min: "10m", max: "8760h" });
  const cases: readonly (readonly [string, boolean])[] = [
    ["10m", true],
    ["600s", true],
    ["8760h", true],
    ["9m59.9s", false],
    ["8760h0.1s", false],
    ["0", false],
    ["999999999999999h", false],
  ];
  for (const [text, good] of cases) assert.equal("value" in lifetime(text), good, text);
});
