import { randomBytes } from "node:crypto";
import { CONFIGURATION_INPUT } from "../cluster/config/read.ts";
import { findUnusedPatches } from "../cluster/config/unused.ts";
import { findPresentFiles } from "../credentials/files.ts";
import { InputError, type Problem } from "../errors.ts";
import { createExec, type Exec } from "../exec.ts";
import { type Host, inspectHost } from "../host/inspect.ts";
import { findPortsInUse, type HostPort, isOwnAddress } from "../host/ports.ts";
import { isDnsServer, resolverNotAnswering } from "../host/resolver.ts";
import { type InputFiles, loadFiles } from "../inputs/files.ts";
import { type Inputs, readInputs } from "../inputs/inputs.ts";
import { defaultArtifactName } from "../runner/artifact.ts";
import { maskText } from "../runner/mask.ts";
import type { Runner } from "../runner/runner.ts";
import { readSources, type TorchSources } from "../torch/checkout/sources.ts";
import { chooseEndpoint } from "../torch/endpoint.ts";
import { planAccess, type TorchPlan } from "../torch/plan.ts";
import { internalEndpoint } from "../values/nodes.ts";
import { checkPresentFiles } from "./credentials.ts";
import { type Plan, type Planned, type PlannedPlaces, planRun } from "./plan.ts";
import { describeForeignAddress, describeTakenPorts } from "./ports.ts";
import { findRejected, type Rejected, restingOn } from "./rejected.ts";
import { selectUnshared } from "./shared-ports.ts";

/** What a run does, and what it was decided from. */
export interface Decisions {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly host: Host;
  readonly plan: Plan;
  /** TORCH-V2's sources where they are on this machine already: a folder's. */
  readonly sources: TorchSources | undefined;
}

/**
 * Reads the inputs, looks at the machine and makes the plan.
 * @throws InputError with all that is wrong, before anything is touched.
 */
export async function decide(runner: Runner): Promise<Decisions> {
  const { inputs, problems, warnings } = readInputs(runner.environment, runner.folders);
  // Before anything is refused: what is missing may be what a misspelled input was to say.
  for (const warning of warnings) runner.log.warning(warning);
  if (inputs.artifactPassphrase !== undefined) maskText(inputs.artifactPassphrase);
  const look = createExec("survey");
  const [files, host] = await Promise.all([loadFiles(inputs, runner.folders), inspectHost(look)]);
  const rejected = findRejected([...problems, ...files.problems]);
  const planned = planRun({
    inputs,
    files,
    host: host,
    rejected,
    folders: runner.folders,
    runId: randomBytes(4).toString("hex"),
    artifactNameFor: (prefix, cluster) => defaultArtifactName(prefix, cluster, runner.environment, inputs.matrixIndex),
  });
  const all = [...problems, ...files.problems, ...("problems" in planned ? planned.problems : [])];
  let sources: TorchSources | undefined;
  const { torch } = planned.places;
  const readable = canReadSources(inputs, rejected, planned);
  const [taken, read] = await Promise.all([
    checkPlaces(planned.places, inputs, host, rejected),
    torch?.source.kind === "folder" && readable
      ? readTorchSources(torch, planned.places, inputs, runner, look)
      : undefined,
  ]);
  all.push(...taken);
  if (read !== undefined && "problems" in read) all.push(...read.problems);
  if (read !== undefined && "sources" in read) sources = read.sources;
  if (all.length > 0 || !("plan" in planned)) throw new InputError(all);

  const { plan } = planned;
  const unused = findUnusedPatches(files.configuration, plan.shape, plan.versions);
  for (const warning of [
    ...plan.versions.warnings,
    ...plan.warnings,
    ...(files.warnings ?? []),
    ...unused,
    ...(sources?.warnings ?? []),
  ]) {
    runner.log.warning(warning);
  }
  const { kubernetes, kind, kubectl, reasons } = plan.versions;
  // The end of the log says them, and so does each as it is put to use.
  runner.log.debug(`Kubernetes ${kubernetes}: ${reasons.kubernetes}`);
  runner.log.debug(`kind ${kind}: ${reasons.kind}`);
  runner.log.debug(`kubectl ${kubectl}: ${reasons.kubectl}`);
  runner.log.debug(`Nodes: ${plan.shape.nodes.map((node) => node.name).join(", ")}; image ${plan.versions.nodeImage}`);
  return { inputs, files, host, plan, sources };
}

/** Whether nothing that is wrong with the sources would rest on a rejected input, or be said twice. */
function canReadSources({ clusterName }: Inputs, rejected: Rejected, planned: Planned): boolean {
  const nameUnknown = clusterName === undefined && rejected.has(CONFIGURATION_INPUT);
  if (nameUnknown || [...rejected].some((name) => /^(?:torch|cluster-name$|existing$)/.test(name))) return false;
  const { nameField } = planned.places.shape;
  // An engine that is missing and a name that is taken are refused already.
  const isRefused = ({ input, value }: Problem) =>
    input === "runs-on" || (input === nameField.input && value === nameField.value);
  return !("problems" in planned && planned.problems.some(isRefused));
}

/** Reads TORCH-V2's sources as the plan wants them. */
export async function readTorchSources(
  torch: TorchPlan,
  plan: PlannedPlaces,
  inputs: Inputs,
  { folders, environment }: Runner,
  exec: Exec,
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
    exec,
  );
}

/** The API server's address as a template will have it; the port is not known yet. */
function longestEndpoint({ endpoint }: TorchPlan, { shape }: PlannedPlaces): string {
  return chooseEndpoint(endpoint, internalEndpoint(shape.name, shape.nodes), "https://127.0.0.1:65535");
}

/** Whether a cluster of this name is there and goes first. */
function replacesCluster(plan: PlannedPlaces, { containers }: Host): boolean {
  return containers.some((container) => container.cluster === plan.shape.name);
}

/** What of the plan's places on this machine is taken already. */
export async function checkPlaces(
  places: PlannedPlaces,
  inputs: Inputs,
  host: Host,
  rejected: Rejected,
): Promise<readonly Problem[]> {
  const { kindGateway } = host;
  const { shape } = places;
  // A cluster that is to be replaced may hold the very ports.
  const replaces = replacesCluster(places, host);
  // What follows from an address that is refused itself, or that stands in a refused one's place, is left out.
  const isApiServer = ({ source }: HostPort) => source === "networking.apiServerPort";
  const ports = rejected.has("api-server-address") ? places.ports.filter((port) => !isApiServer(port)) : places.ports;
  const asksHost = shape.dns.kind === "docker-host" && kindGateway !== undefined;
  const [taken, own, present, resolverMissing] = await Promise.all([
    replaces ? [] : findPortsInUse(selectUnshared(ports)),
    isOwnAddress(shape.apiServerAddress),
    findPresentFiles(places.credentials),
    asksHost ? isDnsServer(kindGateway).then((answers) => !answers) : false,
  ]);
  // A machine without ::1 is one without IPv6.
  const familyRefused = !own && shape.apiServerAddress === "::1";
  return [
    ...(resolverMissing && kindGateway !== undefined ? [resolverNotAnswering(kindGateway)] : []),
    ...(own ? [] : [describeForeignAddress(shape.addressField, shape.apiServerAddress)]),
    ...describeTakenPorts(
      taken.filter((port) => own || !isApiServer(port)),
      familyRefused,
      places.configuration,
    ),
    ...restingOn(["user"], rejected, () => checkPresentFiles(present, inputs.credentialsDirectory)),
  ];
}
