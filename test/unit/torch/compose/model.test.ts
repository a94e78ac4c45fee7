import assert from "node:assert/strict";
import { test } from "node:test";
import { parseModel } from "../../../../src/torch/compose/model.ts";
import { DASHBOARD } from "./dashboard.ts";

test("a compose model is kept as it was printed, with all that has no type here", () => {
  const service = { image: "x", command: null, ports: [{ target: 1, published: 2 }], "x-own": { constructor: [] } };
  for (const model of [DASHBOARD, { services: {} }, { name: "a", services: { constructor: service, own: service } }]) {
    assert.deepEqual(parseModel(JSON.stringify(model)), model);
  }
});

test("what is not a compose model is refused with the place", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /JSON/],
    ["[]", /services/],
    ["{}", /services/],
    ['{"services": {"own": {"ports": [{"target": "80"}]}}}', /services\.own\.ports\.0\.target/],
    ['{"services": {"own": {"environment": {"A": 1}}}}', /services\.own\.environment\.A/],
  ];
  for (const [text, words] of cases) assert.throws(() => parseModel(text), words, text);
});
