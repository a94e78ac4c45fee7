import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePullCredentials } from "../../../src/pulls/credentials.ts";
import { readValue } from "../builders.ts";

const auth = (text: string) => Buffer.from(text).toString("base64");

test("of a Docker configuration only what a kubelet takes is kept", () => {
  const read = readValue(
    parsePullCredentials(
      JSON.stringify({
        auths: {
          "a.example": { auth: auth("me:secret") },
          "b.example": { username: "me", password: "s:t" },
          "token.example": { identitytoken: "t" },
          "empty.example": {},
          "broken.example": { auth: auth("no-password") },
        },
        credsStore: "desktop",
        proxies: { default: {} },
      }),
    ),
  );
  assert.deepEqual(read?.registries, ["a.example", "b.example"]);
  assert.deepEqual(JSON.parse(read.text), {
    auths: { "a.example": { auth: auth("me:secret") }, "b.example": { auth: auth("me:s:t") } },
  });
});

test("what has no credentials is refused, without a word of it", () => {
  const texts = [
    "hunter2",
    "{hunter2}",
    "[]",
    "null",
    '{"auths": []}',
    '{"credsStore": "hunter2"}',
    '{"auths": {"a.example": {}}, "credsStore": "hunter2"}',
    '{"auths": {"a.example": {"identitytoken": "hunter2"}}}',
  ];
  for (const text of texts) {
    const parsed = parsePullCredentials(text);
    assert.ok("issue" in parsed, text);
    assert.ok(!JSON.stringify(parsed).includes("hunter2"), text);
  }
});

test("any text is either read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      const parsed = parsePullCredentials(text);
      assert.ok("issue" in parsed || parsed.value.registries.length > 0);
    }),
  );
});
