import type { StepContext } from "../context.ts";
import { findMissingFiles } from "../credentials/files.ts";
import { describeProblems, Failure } from "../errors.ts";
import { readTorchSources } from "../plan/torch-sources.ts";
import { fetchCheckout } from "../torch/checkout/fetch.ts";
import type { TorchSources } from "../torch/checkout/sources.ts";
import { planAccess } from "../torch/clusters/cluster.ts";
import type { PerComponent } from "../torch/components.ts";
import type { PackageReport } from "../torch/packages/words.ts";
import {
  labelOf,
  listPlaceholders,
  planAddresses,
  planTorchContainers,
  planUrls,
  type TorchPlan,
} from "../torch/plan.ts";
import type { BuildReports } from "../torch/stack/build-reports.ts";
import { TorchStack } from "../torch/stack/stack.ts";
import { createTemplate } from "../torch/template/create.ts";
import { type Deployed, deployTemplate } from "../torch/template/deployment.ts";
import type { Cluster } from "./cluster.ts";
import { joinNetwork } from "./job-container.ts";
import type { Tools } from "./preparation.ts";
import { administer, copyEarlierFiles, recordNamespaces } from "./torch-clusters.ts";

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
  /** How each image was built, as rows for the summary. */
  readonly images: ReturnType<BuildReports["rows"]>;
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
  await copyEarlierFiles(context, plan.torch);
  journal.update({
    torch: {
      label: labelOf(plan.torch),
      containers: planTorchContainers(plan.torch, checkout),
      images: Object.values(plan.torch.images),
      placeholders: await findMissingFiles(listPlaceholders(plan.torch, checkout)),
      ...(plan.torch.packageCache === undefined ? {} : { draft: plan.torch.packageCache.draft }),
      engineUrl: planUrls(plan.torch, checkout, host.site).engine,
    },
  });
  const { runDirectory } = plan;
  const request = { plan: plan.torch, checkout, builder, runDirectory, site: host.site };
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
  throw new Failure(describeProblems(read.problems));
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
    return { urls: stack.urls, images: stack.builds.rows(), processes, deployed: undefined, packages };
  }
  return await deployThrough(context, torch, sources.template, made);
}

/** Has TORCH-V2 deploy a template. */
async function deployThrough(
  context: StepContext,
  { plan: torch, sources, stack }: BegunTorch,
  template: NonNullable<TorchSources["template"]>,
  { tools, cluster }: { readonly tools: Tools; readonly cluster: Cluster },
): Promise<RunningTorch> {
  const { exec, plan, log, timeline, tasks } = context;
  const { signal } = tasks;
  const { runDirectory } = plan;
  const addresses = planAddresses(torch, sources.checkout);
  const request = {
    ...template,
    access: planAccess(torch, cluster.publishedPort),
    urls: stack.urls,
    addresses: { engine: addresses.BPMN_ENGINE, broker: addresses.SERVICE_BROKER_URI },
    containers: torch.containers,
    runDirectory,
    waitSeconds: torch.waitSeconds,
  };
  const clusters = await administer(context, template, { torch, tools, own: cluster });
  const deployTools = { exec, log, timeline, signal, clusters };
  // The dashboard can take the template before the service layer serves.
  const created = tasks.begin(async () => {
    await stack.dashboardServes;
    return await createTemplate(request, deployTools);
  });
  const processes = await stack.waitUntilServing();
  log.endGroup();
  const kept = tasks.begin(async () => await stack.caches?.keep());
  const { csar } = template;
  await recordNamespaces(context, csar, clusters);
  log.startGroup(`Deploying ${csar.template} through TORCH-V2`);
  const deployed = await deployTemplate(await created, request, deployTools);
  await stack.settle();
  const packages = await kept;
  log.endGroup();
  return { urls: stack.urls, images: stack.builds.rows(), processes, deployed, packages };
}
