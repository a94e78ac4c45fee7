import { readFile, writeFile } from "node:fs/promises";
import { eventually, sh } from "./harness.ts";

/** A search domain under which everything resolves, to somewhere else: what breaks look-ups in a company's network. */
export const SEARCH_DOMAIN = "corp.test";

const RESOLV_CONF = "/etc/resolv.conf";

/**
 * Runs work with a search domain in the host's resolv.conf until a node's container is there: Docker copies the file
 * when a container starts. The host's own name servers stay behind ours, and the file is restored whatever happens.
 */
export async function withSearchDomain<T>(nameServer: string, container: string, work: () => Promise<T>): Promise<T> {
  const before = await readFile(RESOLV_CONF, "utf8");
  const restore = () => writeFile(RESOLV_CONF, before);
  await writeFile(RESOLV_CONF, `search ${SEARCH_DOMAIN}\nnameserver ${nameServer}\n${before}`);
  try {
    const running = eventually(
      `${container} runs`,
      async () => (await sh("docker", ["ps", "--quiet", `--filter=name=^${container}$`])) !== "",
      300,
    ).then(restore);
    const [result] = await Promise.all([work(), running]);
    return result;
  } finally {
    await restore();
  }
}
