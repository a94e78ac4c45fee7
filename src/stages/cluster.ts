import { readFile } from "node:fs/promises";
import { renderKindConfiguration } from "../cluster/config/render.ts";
import { beginCreate, type Creation } from "../cluster/create.ts";
import { startNodeIpam } from "../cluster/fast-boot/node-ipam.ts";
import { fastBootPatch } from "../cluster/fast-boot/patch.ts";
import type { FastBoot } from "../cluster/fast-boot/plan.ts";
import { beginFastBoot } from "../cluster/fast-boot/work.ts";
import { bypassDnsRedirect, parseNameServers } from "../cluster/name-servers.ts";
import { copyNodeFiles } from "../cluster/node-files.ts";
import { findNodes, planContainers, refuseForeignContainers } from "../cluster/ownership.ts";
import { lowerCpuPriority } from "../cluster/priority.ts";
import { waitUntilReady } from "../cluster/ready.ts";
import { retryCreate } from "../cluster/retry.ts";
import type { StepContext } from "../context.ts";
import type { IssuedCredentials } from "../credentials/issue.ts";
import type { ClusterContainer } from "../docker/cluster-containers.ts";
import { describeError } from "../errors.ts";
import { describeReadiness } from "../plan/plan.ts";
import { writePullFiles } from "../pulls/files.ts";
import { planEnvironment } from "../pulls/plan.ts";
import { issueFor, openCluster } from "./access.ts";
import { placeResolvConf, planRunFiles, type RunFiles, readConfiguration } from "./cluster-files.ts";
import { keepFailedLogs } from "./failed-logs.ts";
import { type LoadedImage, loadImages, removeArchives } from "./images.ts";
import { joinKindNetwork } from "./job-container.ts";
import { checkNeighbours } from "./liqo.ts";
import { startLoadBalancer } from "./load-balancer.ts";
import { installNetwork } from "./network.ts";
import type { Supplies } from "./preparation.ts";
import { announce, beginRegistry, checkPulls } from "./pulls.ts";
import type { BegunTorch } from "./torch.ts";

/** A cluster that can be used. */
export interface Cluster {
  /** The endpoint, as this step reaches it. */
  readonly server: string;
  /** The API server's port on the engine's machine. */
  readonly publishedPort: number;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
}

/** A cluster with the credentials of its user. */
export interface ClusterWithUser {
  readonly cluster: Cluster;
  readonly credentials: IssuedCredentials;
  /** The images that were loaded into every node. */
  readonly loaded: readonly LoadedImage[];
}

/** Creates the cluster, issues the credentials while kind is still at work, and waits until it can be used. */
export async function makeCluster(
  context: StepContext,
  supplies: Supplies,
  torch: BegunTorch | undefined,
): Promise<ClusterWithUser> {
  const { plan, inputs, journal, exec, log, tasks } = context;
  const { shape, runDirectory, ports } = plan;
  const fastBoot = "fastBoot" in plan.boot ? plan.boot.fastBoot : undefined;
  if ("notUsedBecause" in plan.boot) log.info(`Fast boot not used: ${plan.boot.notUsedBecause}`);
  const containers = planContainers(journal.state, shape.nodes, plan.images[0] ?? plan.versions.nodeImage);
  const resolvConf = await placeResolvConf(plan, supplies.hostResolver);
  const pulls = await writePullFiles(plan.pulls, runDirectory);
  const runFiles = planRunFiles(context, { resolvConf, images: supplies.images?.folder, pulls });
  await joinKindNetwork(context);
  const registry = await beginRegistry(context);
  const nameServers = resolvConf === undefined ? [] : parseNameServers(await readFile(resolvConf, "utf8"));
  journal.update({ created: true, pending: containers });
  // A control plane that elects leaders could lose its lease.
  if (torch !== undefined && fastBoot !== undefined) {
    lowerCpuPriority(journal.state, shape.nodes.length, torch.stack.servicesBuilt, exec).catch((error: unknown) =>
      log.debug(describeError(error)),
    );
  }
  const keepLogs = (attempt: number, nodes: readonly ClusterContainer[]) => keepFailedLogs(context, attempt, nodes);
  const ownership = journal.state;
  const created = retryCreate(
    {
      attempts: inputs.attempts,
      nodes: shape.nodes,
      ports,
      ownership,
      containers,
      runDirectory,
      signal: tasks.signal,
      keepLogs,
    },
    // What fails once is tried again the plain way: the cause may be what the fast boot leaves out.
    (attempt) =>
      createOnce(context, {
        ...supplies,
        torch,
        nameServers,
        fastBoot: attempt === 1 ? fastBoot : undefined,
        runFiles,
      }),
    { exec, log },
  );
  const made = await created.finally(() => removeArchives(supplies.images));
  await registry.serves;
  return made;
}

/** What one try to create the cluster is made from. */
interface Try extends Supplies {
  readonly torch: BegunTorch | undefined;
  readonly fastBoot: FastBoot | undefined;
  readonly nameServers: readonly string[];
  readonly runFiles: RunFiles;
}

async function createOnce(context: StepContext, attempt: Try): Promise<ClusterWithUser> {
  const { plan, inputs, files, host, journal, exec, log, timeline, tasks } = context;
  const { shape, runDirectory, versions } = plan;
  const ownership = journal.state;
  await refuseForeignContainers(ownership, exec);
  const defaults = attempt.fastBoot === undefined ? [] : [fastBootPatch()];
  const rendered = renderKindConfiguration(shape, versions, files.configuration, { ...attempt.runFiles, defaults });
  log.debug(rendered);
  const creation = beginCreate(
    {
      kind: attempt.tools.kind,
      cluster: shape.name,
      nodes: shape.nodes,
      rendered,
      written: await readConfiguration(inputs),
      runDirectory,
      environment: planEnvironment(plan.pulls, context.environment),
      ownership,
      site: host.site,
      signal: tasks.signal,
    },
    { exec, log, timeline },
  );
  const work = [
    bringUp(context, creation, attempt),
    loadImages(context, attempt.images, creation),
    copyFiles(context, attempt.runFiles, creation),
    checkNeighbours(context, creation),
  ] as const;
  try {
    const [made, loaded] = await creation.beside(Promise.all(work));
    creation.finish();
    return { ...made, loaded };
  } catch (error) {
    // Nothing of this try may go on beside the next one.
    await Promise.allSettled([creation.abandon(), ...work]);
    throw error;
  }
}

/** Copies what the nodes cannot mount, as soon as they run: that is before a kubelet or a pod reads it. */
async function copyFiles(
  { journal, plan, exec }: StepContext,
  { copies }: RunFiles,
  { configured, signal }: Creation,
): Promise<void> {
  if (copies.length === 0) return;
  await configured;
  const nodes = await findNodes(journal.state, plan.shape.nodes, exec);
  await Promise.all(nodes.map((node) => copyNodeFiles(node, copies, exec, signal)));
}

/** From an API server that answers to a cluster that can be used. */
async function bringUp(context: StepContext, creation: Creation, attempt: Try) {
  const { plan, inputs, journal, exec, log, timeline } = context;
  const { shape } = plan;
  const { fastBoot, torch } = attempt;
  const { access, admin, cluster, asUser } = await openCluster(context, creation, attempt.tools);
  const dns = bypassDnsRedirect(shape.nodes, shape.podSubnet, attempt.nameServers, exec);
  const { signal } = creation;
  const work =
    fastBoot === undefined ? undefined : beginFastBoot(fastBoot, shape.nodes, { admin, exec, log, timeline, signal });
  try {
    const issued = timeline.measure("Issue credentials", () =>
      issueFor(context, attempt, { access, server: cluster.server, admin, asUser }),
    );
    // Seven JVMs beside it would cost a control plane that elects leaders its lease.
    const early = fastBoot === undefined ? undefined : issued.then(() => torch?.stack.startServices(signal));
    const network = installNetwork(context, admin);
    const pulls = checkPulls(context, signal);
    const [credentials] = await Promise.all([issued, early, network, work?.prepared, dns, pulls, creation.done]);
    journal.update({ pending: [] });
    const balanced = startLoadBalancer(context, signal);
    const ready = timeline.measure("Wait until ready", async () => {
      const { nodes } = shape;
      const { waitSeconds } = inputs;
      const bringsNetwork = plan.cniManifests.length > 0;
      await waitUntilReady(admin, { nodes, waitSeconds, readiness: plan.readiness, bringsNetwork });
      await work?.finish(plan.readiness);
      log.info(`Ready: ${describeReadiness(plan)}`);
    });
    await Promise.all([ready, balanced, announce(context, admin, signal)]);
    if (fastBoot === undefined) torch?.stack.startServices(signal);
    else await startNodeIpam(fastBoot, shape.nodes, exec);
    return { cluster, credentials };
  } finally {
    work?.stop();
  }
}
