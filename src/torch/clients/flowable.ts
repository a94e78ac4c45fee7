import { array, type GenericSchema, nullish, object, string } from "valibot";
import { Failure } from "../../errors.ts";
import { tryJson } from "../../values/json.ts";
import { printable } from "../../values/text.ts";
import { describeFetch, readBody } from "./http.ts";

/** The path of Flowable's REST API on the engine. */
export const SERVICE = "/flowable-rest/service";

/** Flowable's own default account. It cannot be another one, because TORCH's dashboard has it in its code. */
const AUTHORIZATION = `Basic ${Buffer.from("rest-admin:test").toString("base64")}`;

const REQUEST_SECONDS = 20;

/** How many items a list may have; Flowable sends ten by default. */
export const PAGE = { size: "1000" };

/** What the engine answered, read to its end. */
export interface FlowableAnswer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** Requests to Flowable's REST API. */
export interface Flowable {
  /** Gets a path below the API's own, or posts a form to it. @throws Failure if there is no answer, or a redirect. */
  request(path: string, form?: FormData): Promise<FlowableAnswer>;
  /** The items that a query finds. @throws Failure with Flowable's words if it answers with an error. */
  list<T>(
    item: GenericSchema<unknown, T>,
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<readonly T[]>;
}

/** Connects to Flowable's REST API. @param base the engine's address on this machine. */
export function connectFlowable(base: string, signal: AbortSignal): Flowable {
  const request = async (path: string, form?: FormData) => {
    try {
      return await send(`${base}${SERVICE}${path}`, form, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure(`The Flowable engine does not answer ${path}: ${describeFetch(error, REQUEST_SECONDS)}`, {
        cause: error,
      });
    }
  };
  return {
    request,
    async list(item, path, query) {
      const address = `${path}?${new URLSearchParams(query)}`;
      const { status, bytes } = await request(address);
      const text = bytes.toString();
      if (status !== 200)
        throw new Failure(`The Flowable engine answers ${address} with ${describeAnswer(status, text)}`);
      const answer = tryJson(object({ data: array(item) }), text);
      if (answer === undefined) {
        throw new Failure(`The Flowable engine's answer to ${address} is not a list in the form of Flowable 6.6.0.`);
      }
      return answer.data;
    },
  };
}

async function send(url: string, form: FormData | undefined, signal: AbortSignal): Promise<FlowableAnswer> {
  const response = await fetch(url, {
    method: form === undefined ? "GET" : "POST",
    headers: { authorization: AUTHORIZATION },
    // The engine comes from a checkout. It must not choose what main requests: that may be another service of this machine.
    redirect: "manual",
    ...(form === undefined ? {} : { body: form }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_SECONDS * 1000)]),
  });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    const target = printable(response.headers.get("location") ?? "nowhere", 200);
    throw new Error(`status ${response.status}, a redirect to ${target}, which is not followed`);
  }
  return { status: response.status, bytes: await readBody(response) };
}

/** What Flowable answers when something is wrong (its REST API, "Error response body"). */
const ERROR = object({ message: nullish(string()), exception: nullish(string()) });

/** Flowable's error in one line, without the page or the stack trace around it. */
export function describeAnswer(status: number, text: string): string {
  const error = tryJson(ERROR, text);
  const words =
    error === undefined
      ? text
          .replace(/<[^>]*>/g, " ")
          .replace(/\s+/g, " ")
          .trim()
          .slice(0, 500)
      : [error.message, error.exception].filter((part) => part !== undefined && part !== null).join(": ");
  return `status ${status}: ${words}`;
}
