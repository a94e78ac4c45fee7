import * as core from "@actions/core";
import type { Markdown } from "../report/markdown/blocks.ts";
import { byteLength, SUMMARY_BYTES } from "../report/markdown/size.ts";

/** How many bytes this step has written to its summary. GitHub drops all of it if together they are too many. */
let written = 0;

/** How many bytes may still be written to this step's summary. */
export function summaryRoom(): number {
  return Math.max(0, SUMMARY_BYTES - written);
}

/**
 * Adds to the job's summary: only what the Markdown modules made, so that all text that others wrote is escaped. What
 * does not fit is left out.
 */
export async function writeSummary(markdown: Markdown): Promise<void> {
  const bytes = byteLength(markdown.toString());
  if (bytes > summaryRoom()) return;
  written += bytes;
  // A runner without a summary (act, old GitHub Enterprise Servers) is not a reason to fail.
  await core.summary
    .addRaw(markdown.toString())
    .write()
    .catch((error) => core.debug(String(error)));
}
