import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const MASK = join(import.meta.dirname, "../../../src/runner/mask.ts");
const BASE64 = ["MHcCAQEEIAabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/", "AgEGoQ=="];

/** What the runner is asked to mask of a key. */
function masksOf(text: string): readonly string[] {
  const script = `const { maskKey } = await import(${JSON.stringify(MASK)}); maskKey(${JSON.stringify(text)});`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
  return printed.split("\n").flatMap((line) => /^::add-mask::(.*)$/.exec(line)?.[1] ?? []);
}

test("the lines of a key are masked as they are printed anywhere, however its file ends lines, and no words beside it", () => {
  const pem = ["-----BEGIN EC PRIVATE KEY-----", ...BASE64, "-----END EC PRIVATE KEY-----", ""];
  const lines = ["Key Attributes: <No Attributes>", "", ...pem];
  for (const text of [lines.join("\n"), lines.join("\r\n"), lines.join(" \n")]) {
    assert.deepEqual(masksOf(text), [...BASE64, Buffer.from(text).toString("base64")], JSON.stringify(text));
  }
});
