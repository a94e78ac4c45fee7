import { test } from "node:test";
import fc from "fast-check";
import { listReferences } from "../../../../src/torch/checkout/references.ts";

test("no model makes the search for paths throw", () => {
  const names = fc.constantFrom("include", "services", "env_file", "path", "extends", "file", "label_file", "a");
  const model = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 6 }, fc.jsonValue(), fc.dictionary(names, tie("value")), fc.array(tie("value"))),
  }));
  fc.assert(fc.property(model.value, (value) => void listReferences(value)));
});
