import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../../..");

/** A test that a document names. */
interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** Finds `` `file`: "title" ``, however the lines are broken. */
function findNamedTests(text: string): readonly NamedTest[] {
  return [...text.matchAll(/`([\w/-]+(?:\.test)?\.ts)`:\s+"([^"]+)"/g)].map(([, file = "", title = ""]) => ({
    file,
    title: title.replaceAll(/\s+/g, " "),
  }));
}

/** The rows of a document's tables, by the heading of their last column. */
function readTables(text: string): readonly { readonly lastColumn: string; readonly rows: readonly string[][] }[] {
  const blocks = text.split("\n").reduce<string[][]>(
    (found, line) => {
      if (line.startsWith("|")) found.at(-1)?.push(line);
      else if ((found.at(-1)?.length ?? 0) > 0) found.push([]);
      return found;
    },
    [[]],
  );
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const [head = [], , ...rows] = lines.map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
      return { lastColumn: head.at(-1) ?? "", rows };
    });
}

/** Whether a file has a test with this title; `${...}` in a title stands for any text. */
function hasTest(source: string, title: string): boolean {
  const titles = [
    ...source.matchAll(/\b(?:test|it|describe)\(\s*(["'`])((?:(?!\1)[^\\]|\\.)*)\1/g),
    // The parts of `npm test`.
    ...source.matchAll(/^\s*\[(["'])([a-z0-9]+)\1, /gm),
  ];
  return titles.some(([, quote, text = ""]) => {
    if (quote !== "`") return text === title;
    const parts = text
      .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".+")}$`).test(title);
  });
}

const document = await readFile(join(ROOT, "docs/security.md"), "utf8");

test("every test that the document names exists", async () => {
  const named = findNamedTests(document);
  assert.ok(named.length >= 30, `${named.length} tests are named`);
  const missing: string[] = [];
  for (const { file, title } of named) {
    const source = await readFile(join(ROOT, "test", file), "utf8").catch(() => "");
    if (!hasTest(source, title)) missing.push(`${file}: ${title}`);
  }
  assert.deepEqual(missing, []);
});

test("every row of what holds names a test, or says that there is none", () => {
  const tables = readTables(document).filter(({ lastColumn }) => lastColumn === "Shown by");
  assert.ok(tables.length >= 5, `${tables.length} tables`);
  for (const { rows } of tables) {
    for (const row of rows) {
      assert.equal(row.length, 2, row.join(" | "));
      const shown = row[1] ?? "";
      assert.ok(findNamedTests(shown).length > 0 || shown.startsWith("no test: "), row.join(" | "));
    }
  }
});

test("a title is found as it is written, and no other one", () => {
  const source = [
    'it("one", async () => {});',
    "test(",
    '  "over two lines",',
    ");",
    `it(\`\${what} in a container\`, () => {});`,
    '  ["workflows", () => 1],',
    "// test that is named nowhere: three",
  ].join("\n");
  for (const title of ["one", "over two lines", "a disk in a container", "workflows"])
    assert.ok(hasTest(source, title), title);
  for (const title of ["on", "one ", "three", " in a container", "a disk in a containers", "work"])
    assert.ok(!hasTest(source, title), title);
  assert.deepEqual(findNamedTests('`unit/a.test.ts`:\n"b\nc", `src/x.ts`: no title, `main.ts`: "dist"'), [
    { file: "unit/a.test.ts", title: "b c" },
    { file: "main.ts", title: "dist" },
  ]);
});
