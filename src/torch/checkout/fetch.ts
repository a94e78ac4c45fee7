import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";

/** How long a repository may take to be fetched. */
const FETCH_SECONDS = 600;

/** Settings under which git runs no program for a checkout, whatever the machine's own settings are. */
const INERT_CHECKOUT = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false"];

/** A commit of a git repository; that of its default branch if no ref is set. */
export interface RemoteCommit {
  readonly url: string;
  readonly ref: string | undefined;
}

/** Fetches one commit of a git repository into a new folder. @throws Failure with git's own words. */
export async function fetchCheckout(
  { url, ref }: RemoteCommit,
  folder: string,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const git = (args: readonly string[], timeoutSeconds = 60) =>
    exec({
      file: "git",
      args: ["-C", folder, ...INERT_CHECKOUT.flatMap((setting) => ["-c", setting]), ...args],
      timeoutSeconds,
      purpose: `fetching ${url}`,
      signal,
      // A question for a password would wait for an answer that never comes.
      env: { GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? "ssh -o BatchMode=yes" },
    });
  try {
    await exec({ file: "git", args: ["init", "--quiet", folder], timeoutSeconds: 60, purpose: "creating a checkout" });
    await git(["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, ref ?? "HEAD"], FETCH_SECONDS);
    await git(["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
  } catch (error) {
    throw new Failure(describeError(error), {
      fix: adviseFetch(describeError(error), ref),
      cause: error,
      retryable: false,
    });
  }
}

/** How to fix what git reports. */
function adviseFetch(words: string, ref: string | undefined): string {
  if (/^[0-9a-f]{4,39}$/.test(ref ?? "") && /couldn't find remote ref|not our ref/i.test(words)) {
    return `write the full hash of the commit in torch-ref: a server does not know a commit by its first characters, ${ref}`;
  }
  if (ref === undefined && /couldn't find remote ref HEAD/i.test(words)) {
    return "check torch: the repository there has no commit, or is not a git repository";
  }
  if (/couldn't find remote ref/i.test(words)) {
    return "check torch-ref: the repository has no such branch, tag or commit";
  }
  if (/not valid: is this a git repository|unexpected end of .*headers|not a git repository/i.test(words)) {
    return "check torch: what answers there is not a git repository, perhaps a sign-in page; check out a private repository in an earlier step, and set torch to its folder";
  }
  if (/could not read Username|Authentication failed|terminal prompts disabled|Permission denied/i.test(words)) {
    return "check out a private repository in an earlier step, and set torch to its folder";
  }
  return "check torch and torch-ref, and check that this runner can reach the server";
}
