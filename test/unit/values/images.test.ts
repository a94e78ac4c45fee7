import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { imageReference } from "../../../src/values/images.ts";
import { digest, readValue } from "../builders.ts";
import { HOSTILE } from "./hostile.ts";

test("an image has a tag or a digest", () => {
  const sum = digest("ab");
  const good = [
    "kindest/node:v1.28.15",
    `kindest/node@${sum}`,
    `kindest/node:v1.28.15@${sum}`,
    "registry.example:5000/a/b_c/d-e:latest",
    "localhost:5000/node:v1.31.9",
    "node:1",
    `node:${"t".repeat(128)}`,
  ];
  const bad = [
    "kindest/node",
    "localhost:5000/node",
    "kindest/node:",
    "Kindest/Node:v1:2",
    "kindest/Node:v1",
    "https://registry.example/node:v1",
    "kindest/node@sha256:abc",
    `kindest/node@${sum.toUpperCase()}`,
    `kindest/node@${sum}0`,
    "a b:1",
    "a:1 --all",
    "a:1\n",
    "-x/a:1",
    "--all/x:1",
    "a//b:1",
    "a..b:1",
    "a___b:1",
    "/a:1",
    "a/:1",
    `node:${"t".repeat(129)}`,
    `${"a".repeat(600)}:1`,
  ];
  for (const text of good) assert.equal(readValue(imageReference(text)), text);
  for (const text of [...HOSTILE, ...bad]) assert.equal(readValue(imageReference(text)), undefined, text);
});

test("every accepted image follows Docker's own grammar, so that it can never be an option", () => {
  const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const grammar = new RegExp(
    `^(?:${label}(?:\\.${label})*(?::[0-9]+)?/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."aA0./:_-"), maxLength: 10 }), (start) => {
      const text = `${start}:1`;
      const image = readValue(imageReference(text));
      if (image !== undefined) assert.match(image, grammar);
    }),
    { numRuns: 2000 },
  );
});
