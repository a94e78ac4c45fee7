import type { Kubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";
import { createKindNetwork } from "../docker/kind-network.ts";
import { sharesPorts } from "../docker/site.ts";
import { announceRegistry } from "../pulls/hosting.ts";
import { checkMirrors } from "../pulls/mirrors.ts";
import { askRegistry, startRegistry } from "../pulls/registry.ts";

/**
 * Begins to start the registry, beside the creation of the cluster. kind's network is there before: two who create it in the
 * same moment could get in each other's way.
 * @returns what settles when it serves, in an object: a promise would be waited for.
 */
export async function beginRegistry(context: StepContext): Promise<{ readonly serves: Promise<void> }> {
  const { plan, host, journal, exec, log, timeline, tasks } = context;
  const { registry } = plan.pulls;
  if (registry === undefined) return { serves: Promise.resolve() };
  if (host.kindGateway === undefined) await createKindNetwork(exec);
  journal.update({ registry: { label: registry.label, container: registry.container } });
  const serves = tasks.begin(() =>
    timeline.measure("Start registry", async () => {
      await startRegistry(registry, host.site, exec, tasks.signal);
      log.info(`Registry serves on ${registry.address}`);
    }),
  );
  return { serves };
}

/** Says in the cluster where the registry is: once kind is done, when the processors have less to do. */
export async function announce({ plan }: StepContext, admin: Kubectl, signal: AbortSignal): Promise<void> {
  const { registry } = plan.pulls;
  if (registry === undefined) return;
  const { dns } = plan.shape;
  const resolvable = dns.kind === "no-search-domains" || dns.kind === "inherit";
  await announceRegistry(registry, resolvable, admin, signal);
}

/** What is checked from the nodes about how they pull, as soon as the API server answers. */
export async function checkPulls({ plan, host, exec, log, timeline }: StepContext, signal: AbortSignal): Promise<void> {
  const { registry, mirrors } = plan.pulls;
  const { nodes } = plan.shape;
  const [node] = nodes.filter(({ role }) => role === "control-plane");
  const asksFromNode = host.site.kind === "remote" && !sharesPorts(host.site);
  await Promise.all([
    registry === undefined || node === undefined || !asksFromNode
      ? undefined
      : askRegistry(registry, node.name, exec, signal),
    mirrors.length === 0 || node === undefined
      ? undefined
      : timeline.measure("Ask mirrors", async () => {
          await checkMirrors(mirrors, node.name, exec, signal);
          log.info(`Nodes reach ${[...new Set(mirrors.map(({ url }) => url))].join(", ")}`);
        }),
  ]);
}
