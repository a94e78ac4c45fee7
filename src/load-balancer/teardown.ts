import type { Exec } from "../exec.ts";
import type { JournalState } from "../journal.ts";
import type { Log } from "../runner/log.ts";
import { findProviderEnd, removeLoadBalancers } from "./provider.ts";

/** What post works with. */
interface Tools {
  readonly exec: Exec;
  readonly log: Log;
  /** Does one step; its failure is a warning. @returns whether it succeeded. */
  readonly attempt: (what: string, work: () => Promise<void>) => Promise<boolean>;
}

/** Removes what a run has of load balancers. @returns whether nothing is left. */
export async function deleteLoadBalancers(
  { loadBalancer, failed }: Pick<JournalState, "loadBalancer" | "failed">,
  { attempt, exec, log }: Tools,
): Promise<boolean> {
  if (loadBalancer === undefined) return true;
  const removed = await attempt("Removing the load balancers", async () => {
    const count = await removeLoadBalancers(loadBalancer, failed, exec);
    if (count > 0) log.info(`Removed ${count} container(s) of load balancers`);
  });
  if (!removed) {
    log.warning(
      `Load balancers may still be there. Fix: run docker rm --force --volumes $(docker ps --all --quiet --filter label=${loadBalancer.label})`,
    );
  }
  return removed;
}

/** After a failure, says whether the provider of load balancers has ended since main saw it serve. */
export async function reportLoadBalancers(
  { loadBalancer }: Pick<JournalState, "loadBalancer">,
  { exec, log }: { readonly exec: Exec; readonly log: Pick<Log, "warning"> },
): Promise<void> {
  if (loadBalancer?.served !== true) return;
  const end = await findProviderEnd(loadBalancer.container.name, exec);
  if (end !== undefined) log.warning(`${end.what}\nFix: ${end.fix}.`);
}
