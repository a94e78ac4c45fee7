import { Failure } from "../../errors.ts";
import { describeFetch, readBody } from "./http.ts";
import { type Form, type Page, readPage } from "./page.ts";
import { PageError } from "./page-error.ts";

/** The page that a request ended on. */
export interface Visited {
  /** Path and query, after all redirects. */
  readonly path: string;
  readonly page: Page;
}

/** A browser without a screen. It knows cookies, redirects and the Referer, and sends forms with the fields they have. */
export interface Browser {
  /** @throws Failure with the page's words if the server answers with an error. */
  open(address: string, from?: Visited): Promise<Visited>;
  /** Sends a form of a page, filled in with `values`. @throws as `open` does. */
  submit(form: Form, values: FormValues, from: Visited): Promise<Visited>;
}

/** What is written into a form, by the names of its fields. */
export type FormValues = Readonly<Record<string, string | File>>;

/** The server that a browser is bound to, and what it keeps between two requests. */
interface Connection {
  readonly base: string;
  readonly signal: AbortSignal;
  readonly cookies: Map<string, string>;
}

type FilledForm = FormData | URLSearchParams;

/** Opens a browser. @param base the server's address on this machine, without a path. */
export function openBrowser(base: string, signal: AbortSignal): Browser {
  const connection = { base, signal, cookies: new Map<string, string>() };
  return {
    open: (address, from) => visit(connection, address, from),
    submit(form, values, from) {
      const filled = { ...form.fields, ...values };
      const address = form.action ?? from.path;
      if (form.method === "GET") {
        const query = fillPlain(filled);
        return visit(connection, `${resolvePath(address, from.path).split("?")[0]}?${query}`, from);
      }
      return visit(connection, address, from, form.multipart ? fillMultipart(filled) : fillPlain(filled));
    },
  };
}

const MAX_REDIRECTS = 10;

/** One request, and the redirects after it. All go to the server that the browser is bound to, whatever host they name. */
async function visit(
  connection: Connection,
  address: string,
  from: Visited | undefined,
  form?: FilledForm,
): Promise<Visited> {
  let path = resolvePath(address, from?.path);
  let body = form;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const { status, location, html } = await send(connection, path, from?.path, body);
    if (status >= 300 && status < 400 && location !== null) {
      path = resolvePath(location, path);
      body = undefined;
      continue;
    }
    const page = readPage(html);
    if (status >= 400) throw new PageError(path, status, page);
    return { path, page };
  }
  throw new Failure(`The dashboard redirects ${address} more than ${MAX_REDIRECTS} times, last to ${path}.`);
}

const REQUEST_SECONDS = 120;

async function send(
  { base, signal, cookies }: Connection,
  path: string,
  referer: string | undefined,
  body: FilledForm | undefined,
) {
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
    keepCookies(response, cookies);
    const html = (await readBody(response)).toString();
    return { status: response.status, location: response.headers.get("location"), html };
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure(`The dashboard does not answer ${path}: ${describeFetch(error, REQUEST_SECONDS)}`, {
      cause: error,
    });
  }
}

function keepCookies(response: Response, cookies: Map<string, string>): void {
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? [];
    if (name !== undefined && value !== undefined) cookies.set(name.trim(), value);
  }
}

function resolvePath(address: string, from = "/"): string {
  if (!URL.canParse(address, `http://dashboard${from}`)) {
    throw new Failure(`The dashboard's page ${from} links to ${JSON.stringify(address)}, which is not an address.`);
  }
  const { pathname, search } = new URL(address, `http://dashboard${from}`);
  return `${pathname}${search}`;
}

function fillMultipart(values: FormValues): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

function fillPlain(values: FormValues): URLSearchParams {
  const data = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) data.set(name, typeof value === "string" ? value : value.name);
  return data;
}
