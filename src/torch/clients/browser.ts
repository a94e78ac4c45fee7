import { Failure } from "../../errors.ts";
import { readBody } from "./body.ts";
import { describeFetch } from "./engine.ts";
import { type Form, type Page, readPage } from "./page.ts";

/** The page that a request ended on. */
export interface Visited {
  /** Path and query, after all redirects. */
  readonly path: string;
  readonly page: Page;
}

/** A browser without a screen: cookies, redirects, the Referer; forms go where they say, with the fields they have. */
export interface Browser {
  /** @throws Failure with the page's words where the server answers with an error. */
  open(address: string, from?: Visited): Promise<Visited>;
  /** Sends a form of a page, filled in with `values`. @throws as `open` does. */
  submit(form: Form, values: Readonly<Record<string, string | File>>, from: Visited): Promise<Visited>;
}

/** A page that the server answered with an error's status. */
export class PageError extends Failure {
  readonly status: number;

  constructor(path: string, status: number, page: Page) {
    super(`The dashboard answers ${path} with status ${status}: ${describePage(page) || "an empty page"}`);
    this.name = "PageError";
    this.status = status;
  }
}

const REQUEST_SECONDS = 120;
const MAX_REDIRECTS = 10;

/** Opens a browser. @param base the server's address on this machine, without a path. */
export function openBrowser(base: string, signal: AbortSignal): Browser {
  const cookies = new Map<string, string>();

  async function send(path: string, referer: string | undefined, body: FormData | URLSearchParams | undefined) {
    try {
      const response = await fetch(`${base}${path}`, {
        method: body === undefined ? "GET" : "POST",
        redirect: "manual",
        headers: {
          accept: "text/html",
          ...(cookies.size > 0 ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") } : {}),
          ...(referer === undefined ? {} : { referer: `${base}${referer}` }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_SECONDS * 1000)]),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? [];
        if (name !== undefined && value !== undefined) cookies.set(name.trim(), value);
      }
      return {
        status: response.status,
        location: response.headers.get("location"),
        html: (await readBody(response)).toString(),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure(`The dashboard does not answer ${path}: ${describeFetch(error)}`, { cause: error });
    }
  }

  /** One request, and the redirects after it. Whatever host an address names, the server is where it was reached. */
  async function visit(address: string, from: Visited | undefined, filled?: FormData | URLSearchParams) {
    let path = resolvePath(address, from?.path);
    let body = filled;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const { status, location, html } = await send(path, from?.path, body);
      if (status >= 300 && status < 400 && location !== null) {
        path = resolvePath(location, path);
        body = undefined;
        continue;
      }
      const page = readPage(html);
      if (status >= 400) throw new PageError(path, status, page);
      return { path, page };
    }
    throw new Failure(`The dashboard redirects ${address} again and again, to ${path} at last.`);
  }

  return {
    open: (address, from) => visit(address, from),
    submit(form, values, from) {
      const filled = { ...form.fields, ...values };
      const address = form.action ?? from.path;
      if (form.method === "GET") {
        const query = fillPlain(filled);
        return visit(`${resolvePath(address, from.path).split("?")[0]}?${query}`, from);
      }
      return visit(address, from, form.multipart ? fillMultipart(filled) : fillPlain(filled));
    },
  };
}

const MAX_CHARACTERS = 1000;

/** What a template is when it stands in a text: in base64, or as Python prints a zip's bytes. */
const ARCHIVE = /[A-Za-z0-9+/]{200,}={0,2}|b(["'])PK(?:\\.|(?!\1)[^\\])*\1?/g;

/**
 * What a page says went wrong, in one bounded line. Of a traceback of Python's, which may hold the whole template, the
 * lines that name an error are kept.
 */
export function describePage({ errors, title }: Page): string {
  const text = errors.join("\n").replace(ARCHIVE, "[the template]");
  if (text === "") return title;
  const at = text.indexOf("Traceback (most recent call last)");
  if (at === -1) return cut(text.replaceAll("\n", " "));
  const named = [...text.slice(at).matchAll(/^(?:\w+\.)*\w*(?:Error|Exception)\b.*$/gm)].map(([line]) => cut(line));
  // The parser tries what it was given as a file too; that it is none is not the reason.
  const telling = named.filter((line) => !/is not a valid file|unable to be opened/i.test(line));
  const words = [...new Set(telling.length > 0 ? telling : named)].slice(-5);
  return cut([text.slice(0, at).replaceAll("\n", " ").trim(), ...words].join(" "));
}

function cut(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)} ...`;
}

function resolvePath(address: string, from = "/"): string {
  if (!URL.canParse(address, `http://dashboard${from}`)) {
    throw new Failure(`The dashboard's page ${from} leads to ${JSON.stringify(address)}, which is not an address.`);
  }
  const { pathname, search } = new URL(address, `http://dashboard${from}`);
  return `${pathname}${search}`;
}

function fillMultipart(values: Readonly<Record<string, string | File>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

function fillPlain(values: Readonly<Record<string, string | File>>): URLSearchParams {
  const data = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) data.set(name, typeof value === "string" ? value : value.name);
  return data;
}
