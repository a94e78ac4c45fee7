import { marked, type Token } from "marked";

/** What a document's text refers to, and what can be referred to in it. */
export interface Page {
  readonly headings: readonly string[];
  /** One for each heading, as GitHub makes it. */
  readonly anchors: readonly string[];
  /** The targets of links and images. */
  readonly links: readonly string[];
  /** The texts in backticks. */
  readonly codes: readonly string[];
}

/** Reads a document, except for its blocks of code. */
export function readMarkdown(text: string): Page {
  const headings: string[] = [];
  const links: string[] = [];
  const codes: string[] = [];
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === "heading") headings.push(plainText(token));
    if (token.type === "link" || token.type === "image") links.push(String(token.href));
    if (token.type === "codespan") codes.push(String(token.text));
  });
  return { headings, anchors: toAnchors(headings), links, codes };
}

/** The text of a token and of all within it. */
function plainText(token: Token): string {
  if ("tokens" in token && token.tokens !== undefined) return token.tokens.map(plainText).join("");
  return "text" in token ? String(token.text) : "";
}

/** Letters, digits, hyphens and underscores stay; a second heading of the same text gets a number. */
function toAnchors(headings: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return headings.map((heading) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}
