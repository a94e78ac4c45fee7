import { describeError } from "../../errors.ts";

/** No component has reason to send a longer page or history than this. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Reads an answer to its end. @throws where it is too long: how much a component sends is not in our hands. */
export async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (length > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES / 1024 ** 2} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether a request ended because its time was up. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/**
 * Why a request failed: the error of `fetch` says only that it did, its cause says why.
 * @param seconds how long the request was given.
 */
export function describeFetch(error: unknown, seconds: number): string {
  if (isTimeout(error)) return `timed out after ${seconds} s`;
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (!(cause instanceof Error)) return describeError(error);
  const code = "code" in cause ? String(cause.code) : "";
  return cause.message === "" ? code : cause.message;
}
