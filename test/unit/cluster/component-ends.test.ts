import assert from "node:assert/strict";
import { test } from "node:test";
import { findContainerEnds, type RestartedContainers } from "../../../src/cluster/component-ends.ts";

test("a container counts the ends in a row with the same message over several looks", () => {
  const restarted: RestartedContainers = new Map();
  const endsAt = (attempt: number, ended: string, current: string) =>
    findContainerEnds("c-control-plane", [{ name: "etcd", attempt, ended, current }], restarted);
  assert.deepEqual(endsAt(0, "", "starting"), []);
  const first = { component: "etcd", node: "c-control-plane", ends: 1, words: "open /a1: no such file" };
  assert.deepEqual(endsAt(1, "open /a1: no such file", ""), [first]);
  // The same attempt at the next look, whatever it has logged since.
  assert.deepEqual(endsAt(1, "open /a1: no such file", "open /a2: no such file"), [first]);
  assert.equal(endsAt(2, "open /a2: no such file", "")[0]?.ends, 2);
  assert.equal(endsAt(3, "out of space", "")[0]?.ends, 1);
  // The kubelet kept only the current log.
  assert.deepEqual(endsAt(4, "", "out of space"), [{ ...first, ends: 2, words: "out of space" }]);
});

test("two attempts that one look sees with the same message are two ends", () => {
  const seen = { name: "kube-apiserver", attempt: 3, ended: "unknown flag: --x", current: "unknown flag: --x" };
  const [end] = findContainerEnds("c-control-plane", [seen], new Map());
  assert.equal(end?.ends, 2);
});
