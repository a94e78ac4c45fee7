import assert from "node:assert/strict";
import { access, glob, readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { marked } from "marked";
import { readMarkdown } from "./markdown.ts";

const ROOT = join(import.meta.dirname, "../../..");
const MAX_README_LINES = 250;

/** Every document, by its path from the root. */
async function readDocuments(): Promise<ReadonlyMap<string, string>> {
  const documents = new Map<string, string>();
  for await (const path of glob(["*.md", "docs/**/*.md", "testbed/*.md"], { cwd: ROOT }))
    documents.set(path, await readFile(join(ROOT, path), "utf8"));
  return documents;
}

function exists(path: string): Promise<boolean> {
  return access(join(ROOT, path)).then(
    () => true,
    () => false,
  );
}

const documents = await readDocuments();
const pages = new Map([...documents].map(([path, text]) => [path, readMarkdown(text)]));

test("every relative link leads to a file that exists, and every anchor to a heading", async () => {
  assert.ok(pages.size >= 12, `${pages.size} documents`);
  const broken: string[] = [];
  for (const [path, { links }] of pages) {
    for (const link of links.filter((each) => !/^[a-z]+:/.test(each))) {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      const anchors = pages.get(target)?.anchors;
      if (!(await exists(target)) || (anchor !== undefined && anchors?.includes(anchor) !== true))
        broken.push(`${path}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test("every document is linked from README.md, or from one that is", () => {
  const found = new Set(["README.md"]);
  for (const path of found) {
    for (const link of pages.get(path)?.links ?? []) {
      const target = normalize(join(dirname(path), link.split("#")[0] ?? ""));
      if (documents.has(target)) found.add(target);
    }
  }
  const lost = [...documents.keys()].filter((path) => !found.has(path) && !path.startsWith("docs/adr/"));
  assert.deepEqual(lost, []);
});

test(`README.md has at most ${MAX_README_LINES} lines`, () => {
  const lines = documents.get("README.md")?.trimEnd().split("\n").length ?? 0;
  assert.ok(lines > 0 && lines <= MAX_README_LINES, `${lines} lines: move what a first reader does not need to docs/`);
});

test("every path that CONTRIBUTING.md names exists", async () => {
  const named = (pages.get("CONTRIBUTING.md")?.codes ?? []).filter((code) =>
    /^(?:src|scripts|test|testbed|docs|lint|dist|\.github|\.ci)\/[\w./-]*$|^[\w.-]+\.(?:yml|json|md)$/.test(code),
  );
  assert.ok(named.length > 50, `${named.length} paths`);
  const missing: string[] = [];
  for (const path of new Set(named)) {
    const places = [path, `.github/workflows/${path}`, `scripts/${path}`];
    const found = await Promise.all(places.map(exists));
    if (!path.includes("...") && !found.includes(true)) missing.push(path);
  }
  assert.deepEqual(missing, []);
});

test("every folder of src, and every file at its root, has its place in CONTRIBUTING.md", async () => {
  const codes = new Set(pages.get("CONTRIBUTING.md")?.codes);
  const entries = await readdir(join(ROOT, "src"), { recursive: true, withFileTypes: true });
  const missing = entries
    .map((entry) => ({ entry, path: relative(ROOT, join(entry.parentPath, entry.name)) }))
    .filter(({ entry, path }) => entry.isDirectory() || dirname(path) === "src")
    .map(({ entry, path }) => (entry.isDirectory() ? `${path}/` : path))
    .filter((path) => !codes.has(path));
  assert.deepEqual(missing, []);
});

test("every npm script that a document names exists", async () => {
  const text = await readFile(join(ROOT, "package.json"), "utf8");
  const scripts: unknown = Object(JSON.parse(text)).scripts;
  for (const [path, document] of documents) {
    for (const [, name = ""] of document.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g))
      assert.ok(Object.hasOwn(Object(scripts), name), `${path}: npm run ${name}`);
  }
});

test("every message that a heading of docs/troubleshooting.md quotes is one of the Action's, or named as another's", async () => {
  const sources: string[] = [];
  for await (const path of glob("src/**/*.ts", { cwd: ROOT })) sources.push(await readFile(join(ROOT, path), "utf8"));
  // These are Kubernetes' and the host's words.
  const others = ["too many open files", "forbidden"];
  const quoted = (pages.get("docs/troubleshooting.md")?.headings ?? []).flatMap((heading) =>
    [...heading.matchAll(/"([^"]+)"/g)].map(([, words = ""]) => words),
  );
  assert.ok(quoted.length >= 8, quoted.join());
  const missing = quoted.filter((words) => !others.includes(words) && !sources.some((text) => text.includes(words)));
  assert.deepEqual(missing, []);
});

test("an anchor is made from a heading as GitHub makes it", () => {
  const { anchors, links, codes } = readMarkdown(
    [
      "# When *TORCH-V2* fails",
      '## "forbidden" as the user',
      "### `dns: docker-host` fails",
      "### Removing it after `cleanup: false`",
      "## Twice",
      "## Twice",
      "```",
      "# no heading",
      "```",
      "[a](b.md#c) and `d/e.ts`",
    ].join("\n"),
  );
  assert.deepEqual(anchors, [
    "when-torch-v2-fails",
    "forbidden-as-the-user",
    "dns-docker-host-fails",
    "removing-it-after-cleanup-false",
    "twice",
    "twice-1",
  ]);
  assert.deepEqual([links, codes], [["b.md#c"], ["dns: docker-host", "cleanup: false", "d/e.ts"]]);
});

test("every document is Markdown that renders", () => {
  for (const [path, text] of documents) assert.match(marked.parse(text, { async: false }), /<h1>/, path);
});
