import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { parseCommandFile, unescapeData } from "../../../scripts/local/command-files.ts";

const execute = promisify(execFile);

test("lines and blocks are read as the runner reads them", () => {
  const text = ["a=1", "b=x=y<<z", "c<<END", "one", "two=2", "", "END", "d<<=", "e", "=", "empty=", "", "f=last"].join(
    "\n",
  );
  assert.deepEqual(parseCommandFile(text), { a: "1", b: "x=y<<z", c: "one\ntwo=2\n", d: "e", empty: "", f: "last" });
});

test("an empty file holds nothing, and a later value replaces an earlier one", () => {
  assert.deepEqual(parseCommandFile(""), {});
  assert.deepEqual(parseCommandFile("\n\nno equals sign\n"), {});
  assert.deepEqual(parseCommandFile("a=1\na=2\n"), { a: "2" });
});

test("whatever the toolkit writes is read back", () => {
  const delimiter = "ghadelimiter_7f6d0f9a";
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.string({ unit: fc.constantFrom(..."ab=<\n -") })), { maxLength: 6 }),
      (pairs) => {
        const text = pairs.map(([key, value]) => `${key}<<${delimiter}\n${value}\n${delimiter}\n`).join("");
        const expected = Object.fromEntries(pairs);
        assert.deepEqual({ ...parseCommandFile(text) }, expected);
      },
    ),
  );
});

test("a name of Object's is a name like any other", () => {
  const values = parseCommandFile("__proto__=x\nconstructor=y\n");
  assert.deepEqual(Object.entries(values).toSorted(), [
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
});

test("a block that was cut off does not make the reader loop forever", async () => {
  // In a process of its own: a reader that does not come back could not be stopped in this one.
  const reader = join(import.meta.dirname, "../../../scripts/local/command-files.ts");
  const script = `const { parseCommandFile } = await import(${JSON.stringify(reader)});
    for (const text of ["a<<END\\nhalf", "a<<END", "b=1\\na<<END\\n"]) {
      try { parseCommandFile(text); } catch {}
    }
    console.log("done");`;
  const { stdout } = await execute(process.execPath, ["--input-type=module", "--eval", script], { timeout: 5_000 });
  assert.equal(stdout, "done\n");
});

test("what the toolkit escapes is restored", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."%025ADad\r\n") }), (text) => {
      const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
      assert.equal(unescapeData(escaped), text);
    }),
  );
});
