import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import semver from "semver";
import { renderKindConfiguration } from "../cluster/config/render.ts";
import { createClusterWith } from "../cluster/create.ts";
import { shortenCoreDnsProbe } from "../cluster/fast-boot/coredns.ts";
import { type FastBoot, fastBootPatch } from "../cluster/fast-boot/plan.ts";
import { connectNodes } from "../cluster/fast-boot/pod-network.ts";
import { assignPodSubnets } from "../cluster/fast-boot/pod-subnets.ts";
import { createKubectl, type Kubectl } from "../cluster/kubectl.ts";
import { bypassDnsRedirect, parseNameServers } from "../cluster/name-servers.ts";
import { type Ownership, planContainers } from "../cluster/ownership.ts";
import { lowerCpuPriority } from "../cluster/priority.ts";
import { waitForAdminRights, waitUntilReady } from "../cluster/ready.ts";
import type { StepContext } from "../context.ts";
import { credentialFiles, removeFiles } from "../credentials/files.ts";
import { type IssuedCredentials, issueCredentials } from "../credentials/issue.ts";
import { adminKubeconfig, readAdminAccess } from "../credentials/kubeconfig.ts";
import { describeError } from "../errors.ts";
import type { Inputs } from "../inputs/inputs.ts";
import { writeRecord } from "../journal.ts";
import { makeLogFolder, openLogFolder } from "../logs/folder.ts";
import { collectNodeLogs } from "../logs/nodes.ts";
import { describeReadiness, type Plan } from "../plan/plan.ts";
import { maskKey } from "../runner/mask.ts";
import { recheckCredentialsDirectory } from "../torch/checkout/sources.ts";
import { planAccess } from "../torch/plan.ts";
import { contextName } from "../values/nodes.ts";
import type { Prepared } from "./preparation.ts";
import type { BegunTorch } from "./torch.ts";

/** From here on kubeadm gives the admin's rights after the API server is ready. */
const FIRST_WITH_BOUND_ADMIN = "1.29.0-0";

/** After this kindnetd has looked again (the ticker in its main.go). */
const KINDNETD_SECONDS = 10;

/** A cluster that can be used, with its user's credentials. */
export interface MadeCluster extends IssuedCredentials {
  /** The endpoint on the host. */
  readonly server: string;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
}

/** Creates the cluster with the credentials issued beside it, and waits until it can be used. */
export async function makeCluster(
  { runner, exec, journal: record, inputs, files, plan, tasks }: StepContext,
  { kind, kubectl, key, hostResolver }: Prepared,
  torch: BegunTorch | undefined,
): Promise<MadeCluster> {
  const boot = torch?.boot;
  const { log, timeline } = runner;
  const { shape, runDirectory } = plan;
  const accelerated = "acceleration" in plan.boot ? plan.boot.acceleration : undefined;
  if ("plainBecause" in plan.boot) log.info(`Boots without acceleration: ${plan.boot.plainBecause}`);
  const resolvConf = await placeResolvConf(plan, hostResolver);
  const nameServers = resolvConf === undefined ? [] : parseNameServers(await readFile(resolvConf, "utf8"));
  const ownership: Ownership = record;
  const configurationFor = (acceleration: FastBoot | undefined) => {
    const mounts = { owner: record.owner, resolvConf };
    const defaults = acceleration === undefined ? [] : [fastBootPatch()];
    const configuration = renderKindConfiguration(shape, plan.versions, files.configuration, mounts, defaults);
    log.debug(configuration);
    return configuration;
  };
  const kubeconfigPath = join(runDirectory, "kubeconfig");
  const kubectlFor = (kubeconfig: string, signal?: AbortSignal) =>
    createKubectl(kubectl, kubeconfig, join(runDirectory, "kubectl-cache"), exec, signal);
  // What fails here is not a failure of the cluster: kindnetd does the same some seconds later.
  const connectPods = (acceleration: FastBoot, admin: Kubectl, signal: AbortSignal) => {
    const late = new AbortController();
    const stop = AbortSignal.any([signal, late.signal]);
    const connected = connectNodes({ nodes: shape.nodes, ...acceleration }, admin, exec, stop).catch(
      (error: unknown) => {
        if (!stop.aborted) log.info(`The pods of the nodes are left to kindnetd: ${describeError(error)}`);
        return false;
      },
    );
    return {
      /** Waits until the pods of all nodes are connected, by us or by kindnetd. */
      finish: async () => {
        const looked = sleep(KINDNETD_SECONDS * 1000, false, { ref: false });
        const done = (await Promise.race([connected, looked])) || (await looked);
        late.abort();
        log.debug(done ? `The pods of ${shape.nodes.length} nodes are connected.` : "kindnetd has looked again.");
      },
      stop: () => late.abort(),
    };
  };
  const containers = planContainers(record, shape.nodes, plan.images[0] ?? plan.versions.nodeImage);
  record.created = true;
  record.pending = containers;
  writeRecord(runDirectory, record);

  // A control plane that elects leaders could lose its lease.
  if (boot !== undefined && accelerated !== undefined) {
    lowerCpuPriority(ownership, shape.nodes.length, boot.servicesBuilt, exec).catch((error: unknown) =>
      log.debug(describeError(error)),
    );
  }
  return await createClusterWith(
    {
      kind,
      cluster: shape.name,
      nodes: shape.nodes,
      configurationFor,
      acceleration: accelerated,
      configuration: await readConfiguration(inputs),
      runDirectory,
      ports: plan.ports,
      ownership,
      containers,
      attempts: inputs.attempts,
      signal: tasks.signal,
    },
    {
      whenApiAnswers: async ({ server, adminConf }, acceleration, signal) => {
        // None was there before the run: what is there now is of the try that failed.
        if (record.failedTries) await removeFiles(credentialFiles(plan.credentials));
        const access = readAdminAccess(adminConf);
        maskKey(access.clientKey, access.clientKeyData);
        const kubeconfig = adminKubeconfig(access, server, contextName(shape.name));
        await writeFile(kubeconfigPath, kubeconfig, { mode: 0o600 });
        log.info(`API server answers on ${server}`);
        const admin = kubectlFor(kubeconfigPath, signal);
        if (semver.gte(plan.versions.kubernetes, FIRST_WITH_BOUND_ADMIN)) await waitForAdminRights(admin, signal);
        const exempted = bypassDnsRedirect(shape.nodes, shape.podSubnet, nameServers, exec);
        const assigned =
          acceleration === undefined
            ? undefined
            : timeline.measure("Assign pod subnets", () => assignPodSubnets(acceleration, admin, signal));
        const hastened = acceleration === undefined ? undefined : shortenCoreDnsProbe(admin, signal);
        const network = acceleration?.connectsPods === true ? connectPods(acceleration, admin, signal) : undefined;
        const issued = timeline.measure("Issue credentials", async () => {
          const credentials = await issueCredentials(
            {
              user: inputs.user,
              key,
              lifetimeSeconds: inputs.certificateLifetimeSeconds,
              rbac: inputs.rbac,
              rbacManifests: inputs.rbacManifests,
              paths: plan.credentials,
              ca: access.ca,
              server,
              cluster: shape.name,
              context: `${inputs.user}@${contextName(shape.name)}`,
              checkFolder: (real) =>
                recheckCredentialsDirectory(
                  plan.credentials.directory,
                  real,
                  runner.folders,
                  torch === undefined
                    ? undefined
                    : { checkout: torch.sources.checkout, access: planAccess(torch.plan, plan.credentials, server) },
                ),
            },
            admin,
            (path) => kubectlFor(path, signal),
          );
          log.info(`Certificate of ${inputs.user} signed, checked and used; rights: ${inputs.rbac}`);
          return { ...credentials, server, kubeconfig: kubeconfigPath };
        });
        // Seven JVMs beside it would cost a control plane that elects leaders its lease.
        const early = acceleration !== undefined;
        if (early) issued.then(() => boot?.startServices()).catch(() => undefined);
        const [credentials, restoreDns] = await Promise.all([issued, hastened, assigned, exempted]);
        return { ...credentials, restoreDns, network, early };
      },
      whenCreated: async ({ restoreDns, network, early }) => {
        record.pending = [];
        writeRecord(runDirectory, record);
        await timeline.measure("Wait until ready", async () => {
          try {
            await waitUntilReady(kubectlFor(kubeconfigPath), {
              nodes: shape.nodes,
              waitSeconds: inputs.waitSeconds,
              whole: plan.waitForWhole,
            });
            await Promise.all([restoreDns?.(), plan.waitForWhole ? network?.finish() : undefined]);
          } finally {
            network?.stop();
          }
          log.info(`Ready: ${describeReadiness(plan)}`);
        });
        if (!early) boot?.startServices();
      },
      whenTryFailed: async (attempt, nodes) => {
        boot?.cancelServices();
        record.failedTries = true;
        record.logsFolder ??= await makeLogFolder(runner.folders.temp, plan.logsArtifactName);
        writeRecord(runDirectory, record);
        const folder = openLogFolder(record.logsFolder, [`try-${attempt}`]);
        for (const missing of await collectNodeLogs(nodes, folder, exec)) log.debug(missing);
        record.failedLogs = [...record.failedLogs, ...folder.files];
        writeRecord(runDirectory, record);
      },
    },
    { exec, log, timeline },
  );
}

/** The user's kind configuration as it was written. */
async function readConfiguration({ kindConfig }: Inputs): Promise<string | undefined> {
  if (kindConfig?.kind !== "file") return kindConfig?.text;
  return await readFile(kindConfig.path, "utf8").catch(() => undefined);
}

/** Puts the resolv.conf that the kubelets are to use into the run's folder, where one is asked for. */
async function placeResolvConf({ shape, runDirectory }: Plan, hostResolver: string | undefined) {
  if (shape.dns.kind === "resolv-conf") return shape.dns.path;
  if (hostResolver === undefined) return undefined;
  const path = join(runDirectory, "resolv.conf");
  await writeFile(path, `nameserver ${hostResolver}\n`);
  return path;
}
