import type { StepContext } from "../context.ts";
import { servesGateways } from "../load-balancer/plan.ts";
import { checkProvider, removeLoadBalancers, startProvider } from "../load-balancer/provider.ts";

/**
 * Starts the provider of load balancers once kind is done, and waits until it serves. What it needs of the cluster is there
 * by then (without, it would look again after half a minute only), and on two processors an earlier start would cost the
 * create more than it gains.
 */
export async function startLoadBalancer(context: StepContext, signal: AbortSignal): Promise<void> {
  const { plan, host, journal, exec, log, timeline } = context;
  const { loadBalancer } = plan;
  if (loadBalancer === undefined) return;
  const { container, label } = loadBalancer;
  // One of a try that failed has another cluster's credentials.
  if (journal.state.loadBalancer !== undefined) await removeLoadBalancers(loadBalancer, true, exec);
  journal.update({ loadBalancer: { container, label } });
  await timeline.measure("Start load balancers", async () => {
    const gateways = servesGateways(plan.versions.kubernetes);
    await startProvider(loadBalancer, { site: host.site, gateways }, exec, signal);
    journal.update({ loadBalancer: { container, label, served: true } });
    log.info(`${container.name} serves Services of type LoadBalancer`);
  });
}

/** Looks, when everything else is done, whether the provider still runs. @throws Failure with its last words. */
export async function checkLoadBalancer({ plan, exec }: StepContext): Promise<void> {
  if (plan.loadBalancer !== undefined) await checkProvider(plan.loadBalancer.container.name, exec);
}
