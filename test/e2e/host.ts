import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../privileges.ts";
import { eventually, sh } from "./harness.ts";

/** A search domain under which everything resolves, to another address: what breaks lookups in a company's network. */
export const SEARCH_DOMAIN = "corp.test";

/**
 * Where Docker may read the host's name servers. Its daemon decides once, when it first reads them: the second file is
 * systemd-resolved's, which it reads if the first names only systemd-resolved's address (`resolvconf.Path` in moby).
 */
const RESOLV_CONFS: readonly string[] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/**
 * Runs work with a search domain in the host's resolv.conf until a node's container exists: Docker copies the file
 * when a container starts. The host's own name servers stay after ours, and the files are restored whatever happens.
 * It needs root.
 */
export async function withSearchDomain<T>(nameServer: string, container: string, work: () => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "kind-torch-host-"));
  const files: { readonly path: string; readonly before: string }[] = [];
  for (const path of RESOLV_CONFS) {
    const before = await readFile(path, "utf8").catch(() => undefined);
    if (before !== undefined) files.push({ path, before });
  }
  const write = async (path: string, text: string) => {
    const draft = join(scratch, path.replaceAll("/", "_"));
    await writeFile(draft, text);
    await sh(...asRoot("cp", ["--no-preserve=all", draft, path]));
  };
  const restore = async () => {
    for (const { path, before } of files) await write(path, before);
  };
  try {
    for (const { path, before } of files) {
      await write(path, `search ${SEARCH_DOMAIN}\nnameserver ${nameServer}\n${withoutSearch(before)}`);
    }
    const running = eventually(
      `${container} runs`,
      async () => (await sh("docker", ["ps", "--quiet", `--filter=name=^${container}$`])) !== "",
      300,
    ).then(restore);
    const [result] = await Promise.all([work(), running]);
    return result;
  } finally {
    await restore();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Of several search lines the last one counts (resolv.conf(5)), so the host's own would override ours. */
function withoutSearch(text: string): string {
  return text.replaceAll(/^(?:search|domain)\b.*\n?/gm, "");
}
