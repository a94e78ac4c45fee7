import assert from "node:assert/strict";
import { test } from "node:test";
import { startTimeline } from "../../src/timeline.ts";

test("of parallel phases the first one to fail is the failed one, and the others were stopped", async () => {
  const timeline = startTimeline();
  const failing = Promise.withResolvers<never>();
  const work = ["first", "second"].map((name) => timeline.measure(name, () => failing.promise));
  // It never ends.
  void timeline.measure("endless", () => new Promise(() => undefined));
  failing.reject(new Error("no"));
  await Promise.allSettled(work);
  timeline.stop();
  await assert.rejects(timeline.measure("again", () => Promise.reject(new Error("no"))));
  assert.deepEqual(
    timeline.phases.map(({ name, state }) => `${name} ${state}`),
    ["first failed", "second stopped", "endless stopped", "again failed"],
  );
});
