import { createKubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";
import { findMissingFiles } from "../credentials/files.ts";
import { describeProblem, Failure } from "../errors.ts";
import { readTorchSources } from "../plan/torch-sources.ts";
import { fetchCheckout } from "../torch/checkout/fetch.ts";
import type { TorchSources } from "../torch/checkout/sources.ts";
import type { PerComponent } from "../torch/components.ts";
import { chooseEndpoint } from "../torch/endpoint.ts";
import type { PackageReport } from "../torch/packages/words.ts";
import {
  labelOf,
  listPlaceholders,
  planAccess,
  planAddresses,
  planTorchContainers,
  planUrls,
  type TorchPlan,
} from "../torch/plan.ts";
import { TorchStack } from "../torch/stack/stack.ts";
import { createTemplate } from "../torch/template/create.ts";
import { type Deployed, deployTemplate } from "../torch/template/deployment.ts";
import { hasNamespace } from "../torch/template/workload.ts";
import { internalEndpoint } from "../values/nodes.ts";
import type { Cluster } from "./cluster.ts";
import { joinNetwork } from "./job-container.ts";
import type { Tools } from "./preparation.ts";

/** TORCH-V2 while it boots. */
export interface BegunTorch {
  readonly plan: TorchPlan;
  readonly sources: TorchSources;
  readonly stack: TorchStack;
}

/** TORCH-V2 as the run leaves it. */
export interface RunningTorch {
  /** Addresses, as this step reaches them. */
  readonly urls: PerComponent<string>;
  /** The keys of the processes that the engine has from the plans. */
  readonly processes: readonly string[];
  readonly deployed: Deployed | undefined;
  /** What became of the caches of the dashboard's packages; `undefined` where none are kept. */
  readonly packages: PackageReport | undefined;
}

/** Fetches TORCH-V2 where it is not here yet, and begins to build its images. `undefined` where it is not asked for. */
export async function beginTorch(context: StepContext): Promise<BegunTorch | undefined> {
  const { exec, journal, plan, host, log, timeline, tasks } = context;
  if (plan.torch === undefined) return undefined;
  const sources = context.sources ?? (await fetchSources(context, plan.torch));
  const { checkout, builder } = sources;
  journal.update({
    torch: {
      label: labelOf(plan.torch),
      containers: planTorchContainers(plan.torch, checkout),
      images: Object.values(plan.torch.images),
      placeholders: await findMissingFiles(listPlaceholders(plan.torch, checkout, plan.credentials)),
      ...(plan.torch.packageCache === undefined ? {} : { draft: plan.torch.packageCache.draft }),
      engineUrl: planUrls(plan.torch, checkout, host.site).engine,
    },
  });
  const { credentials, runDirectory } = plan;
  const request = { plan: plan.torch, checkout, credentials, builder, runDirectory, site: host.site };
  const join = (network: string) => joinNetwork(context, network);
  return { plan: plan.torch, sources, stack: new TorchStack(request, { exec, log, timeline, tasks, join }) };
}

async function fetchSources(context: StepContext, torch: TorchPlan): Promise<TorchSources> {
  const { exec, plan, log, timeline, tasks } = context;
  const { source, ref, root } = torch;
  if (source.kind === "git") {
    await timeline.measure("Fetch TORCH-V2", () => fetchCheckout({ url: source.url, ref }, root, exec, tasks.signal));
    log.info(`TORCH-V2: ${ref ?? "the default branch"} of ${source.url}`);
  }
  const read = await readTorchSources(torch, plan, context);
  if ("sources" in read) {
    for (const warning of read.sources.warnings) log.warning(warning);
    return read.sources;
  }
  throw new Failure(read.problems.map(describeProblem).join("\n"));
}

/** Waits until TORCH-V2 serves, and deploys the template, where there is one. */
export async function finishTorch(
  context: StepContext,
  torch: BegunTorch,
  made: { readonly tools: Tools; readonly cluster: Cluster },
): Promise<RunningTorch> {
  const { stack, sources } = torch;
  const { log } = context;
  log.startGroup("Booting TORCH-V2");
  if (sources.template === undefined) {
    const processes = await stack.waitUntilServing();
    await stack.settle();
    const packages = await stack.caches?.keep();
    log.endGroup();
    return { urls: stack.urls, processes, deployed: undefined, packages };
  }
  return await deployThrough(context, torch, sources.template, made);
}

/** Has TORCH-V2 deploy a template. */
async function deployThrough(
  { exec, journal, plan, log, timeline, tasks }: StepContext,
  { plan: torch, sources, stack }: BegunTorch,
  template: NonNullable<TorchSources["template"]>,
  { tools, cluster }: { readonly tools: Tools; readonly cluster: Cluster },
): Promise<RunningTorch> {
  const { signal } = tasks;
  const { shape, credentials, runDirectory } = plan;
  const addresses = planAddresses(torch, sources.checkout);
  const endpoint = chooseEndpoint(torch.endpoint, internalEndpoint(shape.name, shape.nodes), cluster.publishedPort);
  const request = {
    ...template,
    access: planAccess(torch, credentials, endpoint),
    urls: stack.urls,
    addresses: { engine: addresses.BPMN_ENGINE, broker: addresses.SERVICE_BROKER_URI },
    containers: torch.containers,
    runDirectory,
    waitSeconds: torch.waitSeconds,
  };
  const kubectl = createKubectl({
    kubectl: tools.kubectl,
    kubeconfig: cluster.kubeconfig,
    runDirectory,
    exec,
    signal,
  });
  const deployTools = { exec, log, timeline, signal, kubectl };
  // The dashboard can take the template before the service layer serves.
  const created = tasks.begin(async () => {
    await stack.dashboardServes;
    return await createTemplate(request, deployTools);
  });
  const processes = await stack.waitUntilServing();
  log.endGroup();
  const kept = tasks.begin(async () => await stack.caches?.keep());
  const { csar } = template;
  // One that is there already is not the run's to remove.
  if (!(await hasNamespace(csar.template, kubectl))) journal.update({ namespace: csar.template });
  log.startGroup(`Deploying ${csar.template} through TORCH-V2`);
  const deployed = await deployTemplate(await created, request, deployTools);
  await stack.settle();
  const packages = await kept;
  log.endGroup();
  return { urls: stack.urls, processes, deployed, packages };
}
