import type { Exec } from "../exec.ts";
import type { JournalState } from "../journal.ts";
import type { Log } from "../runner/log.ts";
import { removeRegistry } from "./registry.ts";

/** What post works with. */
interface Tools {
  readonly exec: Exec;
  readonly log: Log;
  /** Does one step; its failure is a warning. @returns whether it succeeded. */
  readonly attempt: (what: string, work: () => Promise<void>) => Promise<boolean>;
}

/** Removes what a run has of a registry. @returns whether nothing is left. */
export async function deleteRegistry(
  { registry, failed }: JournalState,
  { attempt, exec, log }: Tools,
): Promise<boolean> {
  if (registry === undefined) return true;
  const removed = await attempt("Removing the registry", async () => {
    const names = await removeRegistry(registry, failed, exec);
    if (names.length > 0) log.info(`Removed ${names.join(", ")}`);
  });
  if (!removed) {
    log.warning(
      `The registry may still be there. Fix: run docker rm --force --volumes $(docker ps --all --quiet --filter label=${registry.label})`,
    );
  }
  return removed;
}
