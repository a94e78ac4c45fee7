/** More than the longest page or history that a component has reason to send. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Reads an answer to its end. @throws where there is no end to it: what a component sends is not ours to hold. */
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
