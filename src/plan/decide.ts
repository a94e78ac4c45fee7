import { randomBytes } from "node:crypto";
import { findUnusedPatches } from "../cluster/config/unused.ts";
import { InputError, type Problem } from "../errors.ts";
import { createExec, type Exec } from "../exec.ts";
import { type Host, inspectHost } from "../host/inspect.ts";
import { type InputFiles, loadFiles } from "../inputs/files.ts";
import { type Inputs, readInputs } from "../inputs/inputs.ts";
import { findTakenSubnets } from "../liqo/neighbours.ts";
import { parseDockerConfiguration } from "../redaction/environment.ts";
import { defaultArtifactName } from "../runner/artifact.ts";
import type { Log } from "../runner/log.ts";
import { hide, maskKey, maskText } from "../runner/mask.ts";
import type { Runner } from "../runner/runner.ts";
import type { TorchSources } from "../torch/checkout/sources.ts";
import { findEarlierClusters } from "../torch/clusters/find.ts";
import { checkPlaces } from "./in-use.ts";
import { type Plan, type Planned, planRun } from "./plan.ts";
import { findRejected, type Rejected } from "./rejected-inputs.ts";
import { canReadSources, readTorchSources } from "./torch-sources.ts";

/** What a run does, and what it was decided from. */
export interface Decided {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly host: Host;
  readonly plan: Plan;
  /** TORCH-V2's sources where they are on this machine already: a folder's. */
  readonly sources: TorchSources | undefined;
}

/**
 * Reads the inputs, inspects the machine and makes the plan.
 * @throws InputError with all that is wrong, before anything is touched.
 */
export async function decide(runner: Runner): Promise<Decided> {
  const { environment, folders, log } = runner;
  const { inputs, problems, warnings } = readInputs(environment, folders);
  // Before anything is refused: what is missing may be what a misspelled input was to say.
  for (const warning of warnings) log.warning(warning);
  if (inputs.artifactPassphrase !== undefined) maskText(inputs.artifactPassphrase);
  const exec = createExec(runner.inspection);
  const [files, host] = await Promise.all([loadFiles(inputs, folders), inspectHost(exec)]);
  maskFiles(files);
  const earlier = await findEarlier({ inputs, files, host }, exec);
  const rejected = findRejected([...problems, ...files.problems, ...earlier.problems]);
  const planned = planRun({
    inputs,
    files,
    host,
    earlierClusters: earlier.clusters,
    rejected,
    folders,
    runId: randomBytes(4).toString("hex"),
    artifactNameFor: (prefix, cluster) => defaultArtifactName(prefix, cluster, environment, inputs.matrixIndex),
    takenSubnets: inputs.liqo ? await findTakenSubnets(host, exec) : [],
  });
  const [taken, read] = await Promise.all([
    checkPlaces(planned.places, inputs, host, rejected),
    readFolder(planned, rejected, { ...runner, inputs, exec, host }),
  ]);
  const all = [
    ...[...problems, ...files.problems, ...problemsOf(planned), ...taken, ...problemsOf(read)],
    // That the cluster of this step's own name does not exist yet is not what is wrong then.
    ...earlier.problems.filter(({ value }) => !isRefused(value, problemsOf(planned))),
  ];
  if (all.length > 0 || !("plan" in planned)) throw new InputError(all);
  const { plan } = planned;
  const { sources } = read;
  logSite(log, host);
  logDecision(log, plan, [
    ...plan.versions.warnings,
    ...plan.warnings,
    ...(files.warnings ?? []),
    ...findUnusedPatches(files.configuration, plan.shape, plan.versions),
    ...(sources?.warnings ?? []),
  ]);
  if (inputs.liqo) log.info(`Prepared for Liqo: pods ${plan.shape.podSubnet}, Services ${plan.shape.serviceSubnet}`);
  return { inputs, files, host, plan, sources };
}

/** The clusters of earlier steps that TORCH-V2 is booted for as well. */
async function findEarlier({ inputs, files, host }: Pick<Decided, "inputs" | "files" | "host">, exec: Exec) {
  const { torch } = inputs;
  const { torchClusters = [] } = files;
  if (torch === undefined || torchClusters.length === 0) return { clusters: [], problems: [] };
  return await findEarlierClusters(torchClusters, { host, endpoint: torch.endpoint }, exec);
}

/** Whether a directory of torch-clusters is refused already. */
function isRefused(directory: string, problems: readonly Problem[]): boolean {
  return problems.some(({ input, value }) => input === "torch-clusters" && value === directory);
}

/** A word of a few letters is masked nowhere, or the log could not be read. */
const MIN_MASKED = 4;

/** Masks the secrets that the files of the inputs hold. */
function maskFiles({ clientKey, torchClusters = [], pullCredentials }: InputFiles): void {
  const keys = [...(clientKey === undefined ? [] : [clientKey.text]), ...torchClusters.map((each) => each.privateKey)];
  for (const key of keys) maskKey(key);
  if (pullCredentials === undefined) return;
  const { passwords } = parseDockerConfiguration(pullCredentials.text);
  for (const password of passwords) if (password.length >= MIN_MASKED) maskText(password);
  hide(pullCredentials.text);
}

/** TORCH-V2's sources, or what is wrong with them; neither where they are not in a folder, or must not be read. */
interface ReadSources {
  readonly sources?: TorchSources;
  readonly problems?: readonly Problem[];
}

async function readFolder(
  planned: Planned,
  rejected: Rejected,
  context: Runner & { readonly inputs: Inputs; readonly exec: Exec; readonly host: Host },
): Promise<ReadSources> {
  const { torch } = planned.places;
  if (torch?.source.kind !== "folder" || !canReadSources(context.inputs, rejected, planned)) return {};
  return await readTorchSources(torch, planned.places, context);
}

function problemsOf(result: { readonly problems?: readonly Problem[] } | Planned): readonly Problem[] {
  return "problems" in result ? (result.problems ?? []) : [];
}

/** Where the engine is, if that is not where this step runs: what is said of addresses and paths rests on it. */
function logSite(log: Log, { site }: Host): void {
  if (site.kind === "remote") {
    log.info(
      `Docker Engine is on another machine, ${site.host}: its ports are reached there, and files are copied into the nodes`,
    );
  }
  if (site.kind === "container") {
    const network =
      site.networkOf === undefined ? "in the network of Docker's machine" : "which joins the cluster's networks";
    log.info(`This step runs in the container ${site.name}, ${network}`);
  }
}

function logDecision(log: Log, { versions, shape }: Plan, warnings: readonly string[]): void {
  for (const warning of warnings) log.warning(warning);
  const { kubernetes, kind, kubectl, reasons, nodeImage } = versions;
  // The end of the log says them, and so does each as it is put to use.
  log.debug(`Kubernetes ${kubernetes}: ${reasons.kubernetes}`);
  log.debug(`kind ${kind}: ${reasons.kind}`);
  log.debug(`kubectl ${kubectl}: ${reasons.kubectl}`);
  log.debug(`Nodes: ${shape.nodes.map((node) => node.name).join(", ")}; image ${nodeImage}`);
}
