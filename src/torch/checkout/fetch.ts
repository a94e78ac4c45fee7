import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { TorchSource } from "../../inputs/torch.ts";
import { adviseFetch, FETCH_SECONDS, INERT_CHECKOUT } from "./read.ts";

/** Fetches one commit of a git repository into a new folder. @throws Failure with git's own words. */
export async function fetchCheckout(
  source: Extract<TorchSource, { readonly kind: "git" }>,
  ref: string | undefined,
  folder: string,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const git = (args: readonly string[], timeoutSeconds = 60) =>
    exec({
      file: "git",
      args: ["-C", folder, ...INERT_CHECKOUT.flatMap((setting) => ["-c", setting]), ...args],
      timeoutSeconds,
      purpose: `fetching ${source.url}`,
      signal,
      // A question for a password would wait for an answer that nobody gives.
      env: { GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? "ssh -o BatchMode=yes" },
    });
  try {
    await exec({ file: "git", args: ["init", "--quiet", folder], timeoutSeconds: 60, purpose: "making a checkout" });
    await git(["fetch", "--quiet", "--depth=1", "--no-tags", "--", source.url, ref ?? "HEAD"], FETCH_SECONDS);
    await git(["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
  } catch (error) {
    throw new Failure(describeError(error), {
      fix: adviseFetch(describeError(error), ref),
      cause: error,
      retryable: false,
    });
  }
}
