import type { TestContext } from "node:test";
import { openBrowser } from "../../../../src/torch/clients/browser.ts";
import { type Received, serve } from "../../builders.ts";

/** Nothing that a test does takes longer. */
export const SIGNAL = AbortSignal.timeout(60_000);

/** How a server answers a request. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** A redirect. */
export const to = (location: string): Answer => ({ status: 302, headers: { location } });

/** A server whose every answer is a function of the request; it keeps what it got. */
export async function site(context: TestContext, answer: (request: Received) => Answer) {
  const requests: Received[] = [];
  const base = await serve(context, (request, response) => {
    requests.push(request);
    const { status = 200, headers = {}, body = "" } = answer(request);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, [value].flat());
    response.writeHead(status).end(body);
  });
  return { base, requests, browser: openBrowser(base, SIGNAL) };
}
