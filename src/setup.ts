import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Acceleration, accelerationPatch, assignPodSubnets, hastenDns } from "./cluster/acceleration.ts";
import { createClusterWith } from "./cluster/creation.ts";
import { exemptNameServers, parseNameServers } from "./cluster/dns.ts";
import { createKubectl } from "./cluster/kubectl.ts";
import { renderKindConfiguration } from "./cluster/manifest.ts";
import { contextName } from "./cluster/names.ts";
import { waitUntilReady } from "./cluster/readiness.ts";
import { type Ownership, removeContainers } from "./cluster/removal.ts";
import { issueCredentials } from "./credentials/credentials.ts";
import { credentialFiles, findMissingFolders, makeDirectory, removeFiles } from "./credentials/files.ts";
import { createKeyAndRequest } from "./credentials/key.ts";
import { externalEndpoint, readAdminAccess, withServer } from "./credentials/kubeconfig.ts";
import { gatherPublicFiles } from "./credentials/publication.ts";
import { decide } from "./decision.ts";
import { describeError } from "./failure.ts";
import { pullImage } from "./host/docker.ts";
import { raiseLimits } from "./host/limits.ts";
import { findHostResolver } from "./host/resolver.ts";
import type { Survey } from "./host/survey.ts";
import type { InputFiles } from "./inputs/files.ts";
import type { Inputs } from "./inputs/inputs.ts";
import { describeOutcome, describeReadiness, type Outcome } from "./outcome.ts";
import type { Plan } from "./plan.ts";
import { createRun, type Run } from "./process.ts";
import { hasArtifactService, type UploadedArtifact, uploadArtifact } from "./runner/artifact.ts";
import { maskKey } from "./runner/mask.ts";
import type { Runner } from "./runner/runner.ts";
import { makeRunDirectory, type RunRecord, writeRecord } from "./runner/state.ts";
import { installTool } from "./tools/install.ts";

/** One run: inputs -> plan -> effects -> outcome. @throws InputError before the machine is touched, Failure after. */
export async function setUp(runner: Runner): Promise<Outcome> {
  const { inputs, files, survey, plan } = await decide(runner);
  const run = createRun(plan.runDirectory);
  const record = await openRecord(runner, inputs, plan);

  runner.log.startGroup("Preparing host, tools and images");
  const prepared = await prepare(runner, inputs, survey, plan, record, run);
  runner.log.endGroup();

  runner.log.startGroup(`Creating cluster ${plan.shape.name}`);
  const made = await makeCluster(runner, inputs, files, plan, record, prepared, run);
  runner.log.endGroup();

  const artifact = await publish(runner, inputs, plan, prepared.key.privateKey);
  record.failed = false;
  writeRecord(plan.runDirectory, record);
  return describeOutcome(inputs, plan, { ...prepared, ...made, artifact, phases: runner.timeline.phases });
}

/** Writes down what post would have to undo, before it is done. */
async function openRecord(runner: Runner, inputs: Inputs, plan: Plan): Promise<RunRecord> {
  runner.saveRunDirectory(plan.runDirectory);
  await makeRunDirectory(plan.runDirectory);
  const record: RunRecord = {
    cluster: plan.shape.name,
    nodes: plan.shape.nodes.map((node) => node.name),
    startedAt: new Date().toISOString(),
    owner: join(plan.runDirectory, "owner"),
    cleanup: inputs.cleanup,
    logs: inputs.logs,
    logsArtifactName: plan.logsArtifactName,
    artifactRetentionDays: inputs.artifactRetentionDays,
    internetProbe: inputs.internetProbe,
    kind: undefined,
    credentialFiles: credentialFiles(plan.credentials),
    madeDirectories: await findMissingFolders(plan.credentials.directory),
    created: false,
    failedTries: false,
    failed: true,
  };
  writeRecord(plan.runDirectory, record);
  await makeDirectory(plan.credentials.directory);
  return record;
}

/** Limits, kind, kubectl, images and the user's key, side by side: none needs another. */
async function prepare(
  { log, timeline }: Runner,
  inputs: Inputs,
  survey: Survey,
  plan: Plan,
  record: RunRecord,
  run: Run,
) {
  const hostResolver =
    plan.shape.dns.kind === "docker-host"
      ? await timeline.measure("Check the host's resolver", () => findHostResolver(survey.kindGateway, run))
      : undefined;
  const install = (request: Plan["kind"]) =>
    timeline.measure(`Install ${request.tool}`, async () => {
      const installed = await installTool(request, plan.runDirectory, log.info);
      log.info(`${request.tool} ${request.version}: ${installed.origin}`);
      return installed.path;
    });
  const [kind, kubectl, key] = await Promise.all([
    install(plan.kind),
    install(plan.kubectl),
    createKeyAndRequest(inputs.user, inputs.groups, inputs.keyAlgorithm),
    ...plan.images.map((image) =>
      timeline.measure("Pull image", async () => {
        const how = await pullImage(image, run, log.debug);
        log.info(`${image}: ${how === "present" ? "in Docker already" : "pulled"}`);
      }),
    ),
    timeline.measure("Raise limits", async () => {
      for (const { name, from, to } of plan.limits) log.info(`${name}: ${from} -> ${to}`);
      for (const warning of await raiseLimits(plan.limits, run)) log.warning(warning);
    }),
  ]);
  maskKey(key.privateKey);
  record.kind = kind;
  writeRecord(plan.runDirectory, record);
  // Last, so that a download or a pull that fails costs nobody a cluster.
  const old = survey.containers.filter((container) => container.cluster === plan.shape.name);
  if (old.length > 0) {
    log.info(`Removing the cluster ${plan.shape.name} that exists already (existing: replace)`);
    await timeline.measure("Remove the old cluster", () => removeContainers(old, run));
  }
  return { kind, kubectl, key, hostResolver };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

/** Creates the cluster with the credentials issued beside it, and waits until it can be used. */
async function makeCluster(
  runner: Runner,
  inputs: Inputs,
  files: InputFiles,
  plan: Plan,
  record: RunRecord,
  { kind, kubectl, key, hostResolver }: Prepared,
  run: Run,
) {
  const { log, timeline } = runner;
  const { shape, runDirectory } = plan;
  const resolvConf = await placeResolvConf(plan, hostResolver);
  const nameServers = resolvConf === undefined ? [] : parseNameServers(await readFile(resolvConf, "utf8"));
  const ownership: Ownership = record;
  const configurationFor = (acceleration: Acceleration | undefined) => {
    const mounts = { owner: record.owner, resolvConf };
    const defaults = acceleration === undefined ? [] : [accelerationPatch(acceleration)];
    const configuration = renderKindConfiguration(shape, plan.versions, files.configuration, mounts, defaults);
    log.debug(configuration);
    return configuration;
  };
  const kubeconfigPath = join(runDirectory, "kubeconfig");
  const kubectlFor = (kubeconfig: string, signal?: AbortSignal) =>
    createKubectl(kubectl, kubeconfig, join(runDirectory, "kubectl-cache"), run, signal);
  record.created = true;
  writeRecord(runDirectory, record);

  return await createClusterWith(
    {
      kind,
      cluster: shape.name,
      nodes: shape.nodes,
      configurationFor,
      acceleration: plan.acceleration,
      logsDirectory: join(runner.folders.temp, plan.logsArtifactName),
      runDirectory,
      ownership,
      attempts: inputs.attempts,
    },
    {
      whenApiAnswers: async (kubeconfig, acceleration, signal) => {
        // None was there before the run: what is there now is of the try that failed.
        if (record.failedTries) await removeFiles(credentialFiles(plan.credentials));
        const access = readAdminAccess(kubeconfig);
        maskKey(access.clientKey, access.clientKeyData);
        const server = externalEndpoint(access.server);
        await writeFile(kubeconfigPath, withServer(kubeconfig, server), { mode: 0o600 });
        log.info(`API server answers on ${server}`);
        const admin = kubectlFor(kubeconfigPath, signal);
        const exempted = exemptNameServers(shape.nodes, shape.podSubnet, nameServers, run);
        const assigned =
          acceleration?.podSubnets === undefined
            ? undefined
            : timeline.measure("Assign pod subnets", () => assignPodSubnets(acceleration, admin, signal));
        const hastened = acceleration === undefined ? undefined : hastenDns(admin, signal);
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
            },
            admin,
            (path) => kubectlFor(path, signal),
          );
          log.info(`Certificate of ${inputs.user} signed, checked and used; rights: ${inputs.rbac}`);
          return { ...credentials, server, kubeconfig: kubeconfigPath };
        });
        const [credentials, restoreDns] = await Promise.all([issued, hastened, assigned, exempted]);
        return { ...credentials, restoreDns };
      },
      whenCreated: ({ restoreDns }) =>
        timeline.measure("Wait until ready", async () => {
          await waitUntilReady(kubectlFor(kubeconfigPath), {
            nodes: shape.nodes,
            waitSeconds: inputs.waitSeconds,
            whole: plan.waitForWhole,
          });
          await restoreDns?.();
          log.info(describeReadiness(plan));
        }),
      whenTryFailed: () => {
        record.failedTries = true;
        writeRecord(runDirectory, record);
      },
    },
    { run, log: log.info, timeline },
  );
}

/** Puts the resolv.conf that the kubelets are to use into the run's folder, where one is asked for. */
async function placeResolvConf({ shape, runDirectory }: Plan, hostResolver: string | undefined) {
  if (shape.dns.kind === "resolv-conf") return shape.dns.path;
  if (hostResolver === undefined) return undefined;
  const path = join(runDirectory, "resolv.conf");
  await writeFile(path, `nameserver ${hostResolver}\n`);
  return path;
}

/** Uploads the credential artifact. Where that cannot be done, the files stay where they are. */
async function publish(
  { environment, log, timeline }: Runner,
  inputs: Inputs,
  plan: Plan,
  privateKey: string,
): Promise<UploadedArtifact | undefined> {
  if (!inputs.artifact) return undefined;
  if (!hasArtifactService(environment)) {
    log.warning(
      `No artifact service on this runner: the credentials are only in ${plan.credentials.directory}. Set artifact: false to stop this warning.`,
    );
    return undefined;
  }
  const passphrase = inputs.artifactPassphrase;
  const gathered = await gatherPublicFiles(
    plan.credentials,
    passphrase === undefined ? undefined : { privateKey, passphrase, directory: join(plan.runDirectory, "artifact") },
  );
  const request = { ...gathered, name: plan.artifactName, retentionDays: inputs.artifactRetentionDays };
  try {
    return await timeline.measure("Upload artifact", () => uploadArtifact(request, environment));
  } catch (error) {
    // The cluster works, and few jobs need the artifact: those find its name empty.
    log.warning(`${describeError(error)} The credentials are only in ${plan.credentials.directory}.`);
    return undefined;
  }
}
