import { execInContainer } from "../docker/containers.ts";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import type { RegistryMirror } from "../values/mirrors.ts";
import { printable } from "../values/text.ts";

/** How long a mirror may take to answer, each time of three. */
const ANSWER_SECONDS = 10;

/**
 * Checks from a node that the mirrors answer. containerd passes over one that does not and pulls from the registry itself:
 * the mirror would be without effect, and nobody would know.
 * @throws Failure with the cause.
 */
export async function checkMirrors(
  mirrors: readonly RegistryMirror[],
  node: string,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const urls = [...new Set(mirrors.map(({ url }) => url))];
  await Promise.all(
    urls.map(async (url) => {
      const trouble = await askApi(url, node, exec, signal);
      if (trouble === undefined) return;
      const registries = mirrors.filter((mirror) => mirror.url === url).map(({ registry }) => registry);
      throw new Failure(`The mirror ${url} of ${registries.join(" and ")} ${trouble}.`, {
        fix: "check its URL in registry-mirrors, and that containers on this machine reach it: without it the nodes would pull from the registry itself",
        retryable: false,
      });
    }),
  );
}

/** Arguments of curl that print the status of a registry's API root. */
export function askArgs(url: string): readonly string[] {
  return [
    ...["curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}"],
    ...["--max-time", String(ANSWER_SECONDS), "--retry", "2", "--retry-delay", "1", "--retry-connrefused"],
    `${url}${/\/v2(?:\/|$)/.test(new URL(url).pathname) ? "/" : "/v2/"}`,
  ];
}

/** Asks a registry or a mirror from a node. @returns what is wrong, to go on after its name; `undefined` where it answers. */
export async function askApi(url: string, node: string, exec: Exec, signal: AbortSignal): Promise<string | undefined> {
  const options = { timeoutSeconds: 3 * ANSWER_SECONDS + 15, purpose: `asking ${url}`, signal };
  try {
    return describeStatus((await execInContainer(node, askArgs(url), options, exec)).stdout);
  } catch (error) {
    if (signal.aborted || !(error instanceof CommandError)) throw error;
    // An image of someone else's may have no curl: then nothing is known.
    if (/executable file not found/.test(error.stderr)) return undefined;
    return describeUnanswered(error.stderr === "" ? error.message : error.stderr);
  }
}

/** What is wrong with a mirror by the status of its API root; a registry that wants a login answers 401. */
export function describeStatus(status: string): string | undefined {
  if (/^2\d\d$/.test(status) || status === "401") return undefined;
  return /^5\d\d$/.test(status)
    ? `answers with HTTP ${status}`
    : `is not a registry: it answers with HTTP ${printable(status, 10)} to /v2/`;
}

/** What is wrong with a mirror that does not answer, in curl's last words. */
export function describeUnanswered(words: string): string {
  const last = words.trim().split("\n").at(-1) ?? "";
  return `does not answer the nodes: ${printable(last.replace(/^curl: \(\d+\) /, "")).replace(/\.$/, "")}`;
}
