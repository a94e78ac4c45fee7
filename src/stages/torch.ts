import { join } from "node:path";
import { createKubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";
import { findMissingFiles } from "../credentials/files.ts";
import { describeProblem, Failure } from "../errors.ts";
import { writeRecord } from "../journal.ts";
import { readTorchSources } from "../plan/decide.ts";
import { fetchCheckout } from "../torch/checkout/fetch.ts";
import type { TorchSources } from "../torch/checkout/sources.ts";
import { chooseEndpoint } from "../torch/endpoint.ts";
import {
  labelOf,
  listPlaceholders,
  planAccess,
  planAddresses,
  planTorchContainers,
  publishedUrls,
  type TorchPlan,
} from "../torch/plan.ts";
import { type Boot, type Booted, beginBoot } from "../torch/stack/boot.ts";
import { createTemplate, type Deployed, deployTemplate } from "../torch/template/deployment.ts";
import { hasNamespace } from "../torch/template/workload.ts";
import { internalEndpoint } from "../values/nodes.ts";
import type { MadeCluster } from "./cluster.ts";
import type { Prepared } from "./preparation.ts";

/** A boot that has begun. */
export interface BegunTorch {
  readonly plan: TorchPlan;
  readonly sources: TorchSources;
  readonly boot: Boot;
}

/** TORCH-V2 as the run leaves it. */
export interface BootedTorch extends Booted {
  readonly deployed: Deployed | undefined;
}

/** Fetches TORCH-V2 where it is not here yet, and begins to build its images. `undefined` where it is not asked for. */
export async function beginTorch(session: StepContext): Promise<BegunTorch | undefined> {
  const { runner, exec, journal: record, plan, tasks } = session;
  if (plan.torch === undefined) return undefined;
  const sources = session.sources ?? (await fetchSources(session, plan.torch));
  const { checkout, builder } = sources;
  const tools = { exec, log: runner.log, timeline: runner.timeline, tasks };
  record.torch = {
    label: labelOf(plan.torch),
    containers: planTorchContainers(plan.torch, checkout),
    images: Object.values(plan.torch.images),
    placeholders: await findMissingFiles(listPlaceholders(plan.torch, checkout, plan.credentials)),
    engineUrl: publishedUrls(checkout).engine,
  };
  writeRecord(plan.runDirectory, record);
  const boot = beginBoot(plan.torch, checkout, plan.credentials, builder, plan.runDirectory, tools);
  return { plan: plan.torch, sources, boot };
}

async function fetchSources(
  { runner, exec, plan, inputs, tasks }: StepContext,
  torch: TorchPlan,
): Promise<TorchSources> {
  const { source, ref, root } = torch;
  if (source.kind === "git") {
    await runner.timeline.measure("Fetch TORCH-V2", () => fetchCheckout(source, ref, root, exec, tasks.signal));
    runner.log.info(`TORCH-V2: ${ref ?? "the default branch"} of ${source.url}`);
  }
  const read = await readTorchSources(torch, plan, inputs, runner, exec);
  if ("sources" in read) {
    for (const warning of read.sources.warnings) runner.log.warning(warning);
    return read.sources;
  }
  throw new Failure(read.problems.map(describeProblem).join("\n"));
}

/** Waits until TORCH-V2 serves, and deploys the template, where there is one. */
export async function finishTorch(
  { runner, exec, journal: record, plan, tasks }: StepContext,
  { plan: torch, sources, boot }: BegunTorch,
  { kubectl }: Prepared,
  { server, kubeconfig }: MadeCluster,
): Promise<BootedTorch> {
  const { log, timeline } = runner;
  const { signal } = tasks;
  log.startGroup("Booting TORCH-V2");
  if (sources.template === undefined) {
    const booted = await boot.waitUntilServing();
    await boot.settle();
    log.endGroup();
    return { ...booted, deployed: undefined };
  }

  const { csar, node } = sources.template;
  const { shape, credentials, runDirectory } = plan;
  const addresses = planAddresses(torch, sources.checkout);
  const request = {
    csar,
    node,
    access: planAccess(
      torch,
      credentials,
      chooseEndpoint(torch.endpoint, internalEndpoint(shape.name, shape.nodes), server),
    ),
    urls: publishedUrls(sources.checkout),
    addresses: { engine: addresses.BPMN_ENGINE, broker: addresses.SERVICE_BROKER_URI },
    containers: torch.containers,
    runDirectory,
    waitSeconds: torch.waitSeconds,
  };
  const admin = createKubectl(kubectl, kubeconfig, join(runDirectory, "kubectl-cache"), exec, signal);
  const tools = { exec, log, timeline, signal, kubectl: admin };
  // The dashboard can take the template before the service layer serves.
  const created = tasks.begin(async () => {
    await boot.waitForDashboard();
    return await createTemplate(request, tools);
  });
  const booted = await boot.waitUntilServing();
  log.endGroup();
  // One that is there already is not the run's to remove.
  if (!(await hasNamespace(csar.template, admin))) {
    record.namespace = csar.template;
    writeRecord(runDirectory, record);
  }
  log.startGroup(`Deploying ${csar.template} through TORCH-V2`);
  const deployed = await deployTemplate(await created, request, tools);
  await boot.settle();
  log.endGroup();
  return { ...booted, deployed };
}
