import assert from "node:assert/strict";
import { test } from "node:test";
import { selectNodes } from "../../../src/cluster/watch.ts";

const named = (...names: readonly string[]) => names.map((name) => ({ name }));

test("a few nodes are all looked at each time", () => {
  for (const nodes of [[], named("c-control-plane"), named("c-control-plane", "c-worker", "c-worker2")]) {
    for (const look of [0, 1, 7]) assert.deepEqual(selectNodes(nodes, look), nodes);
  }
});

test("of many nodes the first control plane is looked at each time, and the others in turn", () => {
  const workers = Array.from({ length: 15 }, (_, index) => `c-worker${index === 0 ? "" : index + 1}`);
  const nodes = named(...workers, "c-control-plane");
  const seen = new Set<string>();
  for (let look = 0; look < 8; look += 1) {
    const names = selectNodes(nodes, look).map(({ name }) => name);
    assert.equal(names.length, 3);
    assert.equal(names[0], "c-control-plane");
    for (const name of names) seen.add(name);
  }
  assert.equal(seen.size, 16);
});
