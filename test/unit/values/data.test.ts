import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeText } from "../../../src/values/data.ts";

test("a byte order mark is removed, and one behind it does not become the first", () => {
  for (const encoding of ["utf8", "utf16le"] as const) {
    assert.equal(decodeText(Buffer.from("\ufeffkind: é", encoding)), "kind: é", encoding);
    assert.equal(decodeText(Buffer.from("\ufeff\ufeffkind: é", encoding)), "\ufeff\ufeffkind: é", encoding);
  }
  assert.equal(decodeText(Buffer.from([0xff, 0x61])), undefined);
});
