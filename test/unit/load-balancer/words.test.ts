import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lastWords, serves } from "../../../src/load-balancer/words.ts";

const BEGAN = 'I1126 13:00:00.000001       1 controller.go:116] "Starting cloud controller" cluster="bologna"';
const SYNCED = 'I1126 13:00:00.100001       1 shared_informer.go:356] "Caches are synced" controller="service"';

test("the provider serves once it has begun with the cluster and knows its Services", () => {
  assert.equal(serves(`${BEGAN}\n${SYNCED}\n`, "bologna"), true);
  assert.equal(serves(`${BEGAN}\n`, "bologna"), false);
  assert.equal(serves(`${SYNCED}\n`, "bologna"), false);
  assert.equal(serves(`${BEGAN}\n${SYNCED}\n`, "bolo"), false);
});

test("its last words are its errors, or else its last lines", () => {
  const error = 'E1126 13:00:00.000001       1 controller.go:100] "Failed to start cloud controller" err="no way"';
  assert.equal(lastWords(`${BEGAN}\n${error}\n${SYNCED}\n`), error);
  assert.equal(lastWords(`${BEGAN}\n\n${SYNCED}\n`), `${BEGAN}\n${SYNCED}`);
  assert.match(lastWords("panic: runtime error\ngoroutine 1 [running]:\n"), /^panic: runtime error$/);
  assert.match(lastWords("sh: exec: line 9: cloud-provider-kind: not found"), /not found/);
  assert.equal(lastWords(""), "");
});

test("no log makes them long", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5000, unit: "binary" }), (log) => {
      assert.ok(lastWords(log).length <= 6 * 401);
      serves(log, log);
    }),
  );
});
