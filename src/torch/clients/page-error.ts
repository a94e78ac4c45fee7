import { Failure } from "../../errors.ts";
import type { Page } from "./page.ts";

/** A page that the server sent with the status of an error. */
export class PageError extends Failure {
  readonly status: number;

  constructor(path: string, status: number, page: Page) {
    super(`The dashboard answers ${path} with status ${status}: ${describePage(page) || "an empty page"}`);
    this.name = "PageError";
    this.status = status;
  }
}

const MAX_CHARACTERS = 1000;

/** How a template looks in a text: base64, or the bytes of a zip as Python prints them. */
const ARCHIVE = /[A-Za-z0-9+/]{200,}={0,2}|b(["'])PK(?:\\.|(?!\1)[^\\])*\1?/g;

/**
 * What a page says went wrong, in one line of limited length. Of a Python traceback, which may hold the whole template,
 * only the lines that name an error are kept.
 */
export function describePage({ errors, title }: Page): string {
  const text = errors.join("\n").replace(ARCHIVE, "[the template]");
  if (text === "") return title;
  const at = text.indexOf("Traceback (most recent call last)");
  if (at === -1) return cut(text.replaceAll("\n", " "));
  const named = [...text.slice(at).matchAll(/^(?:\w+\.)*\w*(?:Error|Exception)\b.*$/gm)].map(([line]) => cut(line));
  // The parser tries its argument as the path of a file first. That it is not one is not the reason.
  const telling = named.filter((line) => !/is not a valid file|unable to be opened/i.test(line));
  const lines = [...new Set(telling.length > 0 ? telling : named)].slice(-5);
  return cut([text.slice(0, at).replaceAll("\n", " ").trim(), ...lines].join(" "));
}

function cut(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)} ...`;
}
