import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inputOf, planLimits } from "../../../src/host/inotify.ts";

const limitsOf = (watches: number | undefined, instances: number | undefined) => ({
  "fs.inotify.max_user_watches": watches,
  "fs.inotify.max_user_instances": instances,
});
const wantedOf = (watches: number, instances: number) => ({
  "fs.inotify.max_user_watches": watches,
  "fs.inotify.max_user_instances": instances,
});

test("limits are raised to what is wanted", () => {
  assert.deepEqual(planLimits(limitsOf(8192, 128), wantedOf(524288, 512)), [
    { name: "fs.inotify.max_user_watches", from: 8192, to: 524288 },
    { name: "fs.inotify.max_user_instances", from: 128, to: 512 },
  ]);
});

test("limits are never lowered, not changed by 0, and not touched if the host hides them", () => {
  const value = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(value, value, fc.nat(), fc.nat(), (watches, instances, a, b) => {
      for (const { name, from, to } of planLimits(limitsOf(watches, instances), wantedOf(a, b))) {
        assert.ok(to > from && to !== 0);
        assert.equal(from, limitsOf(watches, instances)[name]);
        assert.equal(to, wantedOf(a, b)[name]);
      }
    }),
  );
  assert.deepEqual(planLimits(limitsOf(1, 1), wantedOf(0, 0)), []);
  assert.deepEqual(planLimits(limitsOf(undefined, undefined), wantedOf(524288, 512)), []);
  assert.deepEqual(planLimits(limitsOf(Number.NaN, 999), wantedOf(524288, 512)), []);
});

test("a limit's input has the name that action.yml gives it", () => {
  assert.equal(inputOf("fs.inotify.max_user_watches"), "inotify-max-user-watches");
  assert.equal(inputOf("fs.inotify.max_user_instances"), "inotify-max-user-instances");
});
