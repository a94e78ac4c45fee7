import { createServer } from "node:net";

/** The status of a GET, or `undefined` if nothing answers in time. Redirects are an answer too. */
export async function statusOf(url: string, milliseconds: number): Promise<number | undefined> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(milliseconds) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export async function occupantOf(port: number): Promise<string | undefined> {
  if (await isFree(port)) return undefined;
  return `port ${port} on 127.0.0.1 is in use by another process. Fix: end that process.`;
}
