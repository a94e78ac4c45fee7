import { randomBytes } from "node:crypto";
import { internalEndpoint } from "./cluster/names.ts";
import { findPresentFiles } from "./credentials/files.ts";
import { InputError, type Problem } from "./failure.ts";
import { findTakenPorts } from "./host/ports.ts";
import { answersDns, describeSilence } from "./host/resolver.ts";
import { type Survey, surveyMachine } from "./host/survey.ts";
import { type InputFiles, loadFiles } from "./inputs/files.ts";
import { type Inputs, readInputs } from "./inputs/inputs.ts";
import { type Plan, planRun } from "./plan.ts";
import { createRun, type Run } from "./process.ts";
import { defaultArtifactName } from "./runner/artifact.ts";
import { maskText } from "./runner/mask.ts";
import type { Runner } from "./runner/runner.ts";
import { chooseEndpoint } from "./torch/endpoint.ts";
import { planAccess, type TorchPlan } from "./torch/plan.ts";
import { readSources, type TorchSources } from "./torch/sources.ts";

/** What a run does, and what it was decided from. */
export interface Decision {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly survey: Survey;
  readonly plan: Plan;
  /** TORCH-V2's sources where they are on this machine already: a folder's. */
  readonly sources: TorchSources | undefined;
}

/**
 * Reads the inputs, looks at the machine and makes the plan.
 * @throws InputError with all that is wrong, before anything is touched.
 */
export async function decide(runner: Runner): Promise<Decision> {
  const { inputs, problems } = readInputs(runner.environment, runner.folders);
  if (inputs.artifactPassphrase !== undefined) maskText(inputs.artifactPassphrase);
  const look = createRun("survey");
  const [files, survey] = await Promise.all([loadFiles(inputs, runner.folders), surveyMachine(look)]);
  const planned = planRun({
    inputs,
    files,
    survey,
    folders: runner.folders,
    runId: randomBytes(4).toString("hex"),
    artifactNameFor: (prefix, cluster) => defaultArtifactName(prefix, cluster, runner.environment, inputs.matrixIndex),
  });
  const all = [...problems, ...files.problems, ...("problems" in planned ? planned.problems : [])];
  let sources: TorchSources | undefined;
  if ("plan" in planned) {
    const [places, read] = await Promise.all([
      checkPlaces(planned.plan, inputs, survey),
      planned.plan.torch?.source.kind === "folder"
        ? readTorchSources(planned.plan.torch, planned.plan, inputs, runner, look)
        : undefined,
    ]);
    all.push(...places);
    if (read !== undefined && "problems" in read) all.push(...read.problems);
    if (read !== undefined && "sources" in read) sources = read.sources;
  }
  if (all.length > 0 || !("plan" in planned)) throw new InputError(all);

  const { plan } = planned;
  for (const warning of [...plan.versions.warnings, ...(files.warnings ?? []), ...(sources?.warnings ?? [])]) {
    runner.log.warning(warning);
  }
  const { kubernetes, kind, kubectl, reasons } = plan.versions;
  // The end of the log tells them to the reader, and so does each as it is put to use.
  runner.log.debug(`Kubernetes ${kubernetes}: ${reasons.kubernetes}`);
  runner.log.debug(`kind ${kind}: ${reasons.kind}`);
  runner.log.debug(`kubectl ${kubectl}: ${reasons.kubectl}`);
  runner.log.debug(`Nodes: ${plan.shape.nodes.map((node) => node.name).join(", ")}; image ${plan.versions.nodeImage}`);
  return { inputs, files, survey, plan, sources };
}

/** Reads TORCH-V2's sources as the plan wants them. */
export async function readTorchSources(
  torch: TorchPlan,
  plan: Plan,
  inputs: Inputs,
  { folders, environment }: Runner,
  run: Run,
) {
  return await readSources(
    {
      plan: torch,
      cluster: plan.shape.name,
      workspace: folders.workspace,
      environment,
      access: planAccess(torch, plan.credentials, longestEndpoint(torch, plan)),
      credentialsDirectory: plan.credentials.directory,
      replaces: inputs.existing === "replace",
      clusterPorts: plan.ports,
    },
    run,
  );
}

/** The API server's address as a template will have it; the port is not known yet. */
function longestEndpoint({ endpoint }: TorchPlan, { shape }: Plan): string {
  return chooseEndpoint(endpoint, internalEndpoint(shape.name, shape.nodes), "https://127.0.0.1:65535");
}

/** Whether a cluster of this name is there and goes first. */
function replacesCluster(plan: Plan, { containers }: Survey): boolean {
  return containers.some((container) => container.cluster === plan.shape.name);
}

/** What of the plan's places on this machine is taken already. */
async function checkPlaces(plan: Plan, inputs: Inputs, survey: Survey): Promise<readonly Problem[]> {
  const { kindGateway } = survey;
  // A cluster that is to be replaced may hold the very ports.
  const replaces = replacesCluster(plan, survey);
  const asksHost = plan.shape.dns.kind === "docker-host" && kindGateway !== undefined;
  const [ports, present, silent] = await Promise.all([
    replaces ? [] : findTakenPorts(plan.ports),
    findPresentFiles(plan.credentials),
    asksHost ? answersDns(kindGateway).then((answers) => !answers) : false,
  ]);
  return [
    ...(silent && kindGateway !== undefined ? [describeSilence(kindGateway)] : []),
    ...ports.map(({ address, port, source }) => ({
      input: port === 0 ? source : "kind-config",
      value: port === 0 ? address : `${source}: ${port}`,
      reason:
        port === 0
          ? "is no address of this machine"
          : `is a port that something on this machine listens on already (${address})`,
      allowed: port === 0 ? "an address of this machine, or 0.0.0.0 for all" : "a free port, or none to get a free one",
      fix: port === 0 ? "look at ip address show for the ones it has" : "choose another port, or end what uses it",
    })),
    ...present.map((path) => ({
      input: "credentials-directory",
      value: inputs.credentialsDirectory ?? "",
      reason: `holds ${path} already, which is not written over`,
      allowed: "a directory without these files",
      fix: "choose another directory, or remove the file in an earlier step",
    })),
  ];
}
