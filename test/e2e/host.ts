import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../privileges.ts";
import { eventually, sh } from "./harness.ts";

/**
 * Runs a command as root when the returned function is called, or when this process ends, however it ends: what a test
 * changes on the machine must not outlive the test.
 * @returns runs it now, and waits for it.
 */
export function runAfterwards(file: string, args: readonly string[]): () => Promise<void> {
  // A pipe ends with the process that holds its other end.
  const command = asRoot("sh", ["-c", 'cat >/dev/null; exec "$@"', "afterwards", file, ...args]);
  const child = spawn(...command, { detached: true, stdio: ["pipe", "ignore", "inherit"] });
  const ended = once(child, "exit");
  child.unref();
  return async () => {
    child.ref();
    child.stdin.end();
    const [code] = await ended;
    assert.equal(code, 0, `${file} failed afterwards`);
  };
}

const COPY_PAIRS =
  'failed=0; while [ $# -gt 0 ]; do cp --no-preserve=all "$1" "$2" || failed=1; shift 2; done; exit $failed';

/** A search domain under which everything resolves, to another address: what breaks lookups in a company's network. */
export const SEARCH_DOMAIN = "corp.test";

/**
 * Where Docker may read the host's name servers. Its daemon decides once, when it first reads them: the second file is
 * systemd-resolved's, which it reads if the first names only systemd-resolved's address (`resolvconf.Path` in moby).
 */
const RESOLV_CONFS: readonly string[] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/**
 * Runs work with a search domain in the host's resolv.conf until a node's container exists: Docker copies the file
 * when a container starts. The host's own name servers stay after ours, and the files are restored whatever happens,
 * also to this process.
 * It needs root.
 */
export async function withSearchDomain<T>(nameServer: string, container: string, work: () => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "kind-torch-host-"));
  const there: string[] = [];
  const back: string[] = [];
  for (const path of RESOLV_CONFS) {
    const before = await readFile(path, "utf8").catch(() => undefined);
    if (before === undefined) continue;
    const name = join(scratch, path.replaceAll("/", "_"));
    await writeFile(`${name}.kept`, before);
    await writeFile(`${name}.ours`, `search ${SEARCH_DOMAIN}\nnameserver ${nameServer}\n${withoutSearch(before)}`);
    there.push(`${name}.ours`, path);
    back.push(`${name}.kept`, path);
  }
  const restore = runAfterwards("sh", ["-c", COPY_PAIRS, "restore", ...back]);
  try {
    await sh(...asRoot("sh", ["-c", COPY_PAIRS, "change", ...there]));
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
