import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDocument } from "htmlparser2";

/** Texts that have a meaning in Markdown, HTML or GitHub, alone or together. */
const PIECES = [
  ..."`~*_[]()<>|#!@$:-+=.&\\\"' 1a",
  ..."\t\n\r\v\f\u0000\u001b\u007f\u0085\u2028\u2029\u202e\u2066\u00a0\u200b\ufeff",
  "```",
  "~~~",
  "~~~~~~~~",
  "~".repeat(300),
  "`".repeat(300),
  "\r\n",
  "\n\n",
  "\n  ",
  "    ",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<!--",
  "-->",
  "</details>",
  "</td></tr></table>",
  "<br>",
  "<b>",
  "![x](y)",
  "[x](javascript:alert(1))",
  "[x]: https://a.example",
  "[^1]: note",
  "<https://a.example>",
  "https://a.example/b",
  "http://a.example",
  "ftp://a.example",
  "www.a.example",
  "mailto:a@b.example",
  "xmpp:a@b.example",
  "a@b.example",
  "@user",
  "@org/team",
  "#1",
  "GH-1",
  "a/b#1",
  ":tada:",
  "$x$",
  "$`x`$",
  "| a | b |\n| --- | --- |",
  "|---|",
  ":--",
  "---",
  "===",
  "- a",
  "1. a",
  "> a",
  "[!NOTE]",
  "&lt;",
  "&#60;",
  "&amp;lt;",
  "\ud800",
  "😀",
  "é",
  "  output",
  "text",
] as const;

/** Any text, most of it hostile. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join("")) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

/** What an HTML page is made of: its elements in their order, and its texts with the elements that they are in. */
export interface Page {
  readonly elements: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[];
  readonly texts: readonly { readonly text: string; readonly inside: readonly string[] }[];
}

export function readPage(html: string): Page {
  const elements: { name: string; attributes: Readonly<Record<string, string>> }[] = [];
  const texts: { text: string; inside: readonly string[] }[] = [];
  const visit = (nodes: ReturnType<typeof parseDocument>["children"], inside: readonly string[]) => {
    for (const node of nodes) {
      if ("data" in node && node.type === "text") texts.push({ text: node.data, inside });
      else if (!("name" in node && "attribs" in node)) assert.fail(`there is a ${node.type} in the page`);
      else {
        elements.push({ name: node.name, attributes: node.attribs });
        visit(node.children, [...inside, node.name]);
      }
    }
  };
  visit(parseDocument(html).children, []);
  return { elements, texts };
}

/** What GitHub turns into links, images and formulas in a page's text, outside of code. */
const REFERENCE = /@[a-z\d]|#\d|\bgh-\d|\$|:[\w+-]+:|www\.|:\/\//i;

/** Fails if a page has more than a summary's own elements, or text that GitHub turns into something else. */
export function assertInert({ elements, texts }: Page, links: readonly string[] = []): void {
  for (const { name, attributes } of elements) {
    const shown = JSON.stringify({ name, attributes });
    if (name === "a") assert.ok(links.includes(attributes.href ?? ""), shown);
    else if (name === "code") assert.match(attributes.class ?? "language-text", /^language-(text|mermaid)$/, shown);
    else if (name === "th" || name === "td") assert.deepEqual(attributes, {}, shown);
    else assert.deepEqual(attributes, {}, shown);
    assert.ok(OWN.has(name), shown);
  }
  for (const { text, inside } of texts) {
    if (inside.some((name) => ["code", "a"].includes(name)) || inside.at(-1) === "span") continue;
    assert.doesNotMatch(text, REFERENCE);
  }
}

const OWN = new Set("a blockquote br code details h2 h3 p pre span summary table tbody td th thead tr".split(" "));

/** The shape of a page: its elements except those that wrap single characters of a text. */
export function shapeOf({ elements }: Page): readonly string[] {
  return elements.map(({ name }) => name).filter((name) => !["span", "code"].includes(name));
}
