import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kubectl } from "../cluster/kubectl.ts";
import { describeError, Failure } from "../failure.ts";
import type { Run } from "../process.ts";
import type { Log } from "../runner/log.ts";
import { maskText } from "../runner/mask.ts";
import type { Timeline } from "../runner/timeline.ts";
import { findEnd, inspectContainer, readContainerLog } from "./container.ts";
import { type ClusterAccess, type Csar, pointCsar } from "./csar.ts";
import { openDashboard } from "./dashboard.ts";
import { diagnoseTorch } from "./diagnosis.ts";
import { type Engine, openEngine, type ProcessInstance } from "./engine.ts";
import { redact } from "./redaction.ts";
import { accountPasswordPath, readSecrets } from "./secrets.ts";

/** A template to deploy through TORCH-V2, from its registration to its last node. */
export interface DeploymentRequest {
  readonly csar: Csar;
  /** The Cluster node to point at the run's cluster. */
  readonly node: string;
  readonly access: ClusterAccess;
  readonly urls: { readonly dashboard: string; readonly engine: string };
  /** As the dashboard's container reaches them. */
  readonly addresses: { readonly engine: string; readonly broker: string };
  readonly servicesContainer: string;
  /** Their content is kept out of what is told. */
  readonly credentialFiles: readonly string[];
  readonly runDirectory: string;
  readonly waitSeconds: number;
}

/** What a deployment works with. */
export interface DeploymentTools {
  readonly run: Run;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
  /** As the cluster's admin. */
  readonly kubectl: Kubectl;
}

/** A template whose every node is started. */
export interface Deployed {
  readonly template: string;
  readonly nodes: readonly string[];
  /** What the template's namespace holds, as `deployment/name` and `service/name`. */
  readonly objects: readonly string[];
}

/** Seconds between the engine's looks at a node, and between ours at the engine. */
const CHECK_PERIOD = 2;
const POLL_MILLISECONDS = 1000;
/** How many looks at the engine in a row may fail. */
const MAX_MISSES = 3;
const START_SECONDS = 60;
const STARTED = "STARTED";
/** A node of which TORCH has said nothing yet. */
const WAITING = "waiting";

/**
 * Deploys a template as a person does: registers, validates, creates, deploys, and follows every node until it is
 * started; then looks for what must be in the cluster by now.
 * @throws Failure with the node, TORCH's reason and the likely cause.
 */
export async function deployTemplate(request: DeploymentRequest, tools: DeploymentTools): Promise<Deployed> {
  const { csar, urls, addresses, waitSeconds } = request;
  const { log, timeline, signal, kubectl } = tools;
  const { template, nodes } = csar;
  const engine = openEngine(urls.engine, signal);
  const known = new Set((await engine.listTopInstances()).map((instance) => instance.id));

  await timeline.measure("Register and validate the template", async () => {
    const dashboard = openDashboard(urls.dashboard, signal);
    const password = randomBytes(18).toString("base64url");
    maskText(password);
    await writeFile(accountPasswordPath(request.runDirectory), password, { mode: 0o600 });
    // A dashboard may keep its accounts for longer than one run.
    const name = `kind-torch-${randomBytes(4).toString("hex")}`;
    await dashboard.register({ name, email: `${name}@example.org`, password });
    const archive = pointCsar(csar, request.node, request.access);
    const graph = await dashboard.validate({ name: template, archive });
    checkGraph(graph, csar);
    const form = await dashboard.create({ name: template, archive }, graph);
    log.info(`Template ${template} registered and validated: ${nodes.join(", ")}`);
    await dashboard.deploy(form, {
      bpmnEngineEndpoint: addresses.engine,
      serviceBrokerEndpoint: addresses.broker,
      retryCounter: "1",
      checkPeriod: String(CHECK_PERIOD),
      createTimeout: String(Math.max(1, Math.ceil(waitSeconds / 60))),
    });
  });
  await timeline.measure("Deploy the template", () => followDeployment(engine, known, request, tools));
  const objects = await findObjects(template, kubectl);
  log.info(`In namespace ${template}: ${objects.join(", ")}`);
  return { template, nodes, objects };
}

/** Every node must be in the graph that the dashboard made: one that is not would never be deployed. */
function checkGraph(graph: string, { nodes, entry }: Csar): void {
  const missing = nodes.filter((node) => !graph.includes(JSON.stringify(node)));
  if (missing.length === 0) return;
  throw new Failure(`The dashboard's graph of the template lacks ${missing.join(", ")}, which ${entry} has.`, {
    cure: "check the types of these nodes: the dashboard knows those derived from torch.nodes.*",
  });
}

async function followDeployment(
  engine: Engine,
  known: ReadonlySet<string>,
  request: DeploymentRequest,
  { log, run, signal }: DeploymentTools,
): Promise<void> {
  const { csar, waitSeconds } = request;
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const told = new Map(csar.nodes.map((node) => [node, WAITING]));
  let top: ProcessInstance | undefined;
  const look = async () => {
    top ??= (await engine.listTopInstances()).findLast((instance) => !known.has(instance.id));
    const called = top === undefined ? [] : await engine.listCalledInstances(top.id);
    const instances = [...(top === undefined ? [] : [top]), ...called].map((instance) => instance.id);
    return { called, dead: instances.length === 0 ? undefined : await engine.findDeadJob(instances) };
  };
  let misses = 0;
  for (;;) {
    signal.throwIfAborted();
    const looked = await look().catch((error: unknown) => {
      // An engine that is busy may miss one look.
      misses += 1;
      if (misses > MAX_MISSES || !(error instanceof Failure)) throw error;
      log.debug(describeError(error));
    });
    const end = findEnd(await inspectContainer(request.servicesContainer, run, signal));
    if (end !== undefined) throw await explain(`The service layer ${end} during the deployment.`, request, run);
    if (looked === undefined) {
      await sleep(POLL_MILLISECONDS, undefined, { signal });
      continue;
    }
    misses = 0;
    const { called, dead } = looked;
    const states = readNodeStates(csar.nodes, called);
    for (const { node, status } of states) {
      if (told.get(node) !== status) log.info(`${node}: ${status}`);
      told.set(node, status);
    }
    const failed = states.find(({ status }) => status === "ERROR");
    if (failed !== undefined) {
      throw await explain(`The node ${failed.node} of ${csar.template} is in ERROR: ${failed.reason}`, request, run);
    }
    if (states.every(({ status }) => status === STARTED)) return;
    if (dead !== undefined) {
      throw await explain(`The deployment of ${csar.template} stopped in the engine: ${dead}`, request, run);
    }
    if (top === undefined && elapsed() > START_SECONDS) {
      throw await explain(`The dashboard started no process in the engine within ${START_SECONDS} s.`, request, run);
    }
    if (elapsed() > waitSeconds) {
      const waited = states.filter(({ status }) => status !== STARTED).map(({ node, status }) => `${node} (${status})`);
      throw await explain(
        `Not every node of ${csar.template} was ${STARTED} within ${waitSeconds} s (torch-wait): ${waited.join(", ")}`,
        request,
        run,
      );
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** How a node is doing. */
export interface NodeState {
  readonly node: string;
  /** TORCH's word (`CREATING`, `STARTED`, `ERROR`, ...); `waiting` where it has said nothing yet. */
  readonly status: string;
  readonly reason: string;
}

/** Reads each node's status from the process that is named after it: its variable `nodeInfo`, an object or its JSON. */
export function readNodeStates(
  nodes: readonly string[],
  instances: readonly Pick<ProcessInstance, "name" | "variables">[],
): readonly NodeState[] {
  return nodes.map((node) => {
    const own = instances.find((instance) => instance.name === node);
    const info = parseObject(own?.variables.find((variable) => variable.name === "nodeInfo")?.value);
    const attributes = parseObject(info.nodeAttributes);
    const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
    return {
      node,
      status: text(attributes.status)?.toUpperCase() ?? WAITING,
      reason: text(attributes.status_reason) ?? "no reason is given",
    };
  });
}

function parseObject(value: unknown): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = typeof value === "string" ? JSON.parse(value) : value;
    return typeof read === "object" && read !== null ? { ...read } : {};
  } catch {
    return {};
  }
}

/** The Deployments and Services of the namespace: there must be one of each at least. */
async function findObjects(namespace: string, kubectl: Kubectl): Promise<readonly string[]> {
  const { stdout } = await kubectl(["get", "deployments,services", "--namespace", namespace, "--output=name"], {
    purpose: `looking into the namespace ${namespace}`,
  });
  const objects = stdout
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [line.replace(/^deployment\.apps\//, "deployment/")]));
  for (const kind of ["deployment", "service"]) {
    if (objects.some((name) => name.startsWith(`${kind}/`))) continue;
    throw new Failure(`Every node is ${STARTED}, but there is no ${kind} in the namespace ${namespace}.`, {
      cure: "see whether the connector deploys to this cluster and into the template's namespace",
    });
  }
  return objects;
}

/** What went wrong, the likely cause, and what the service layer said last, without secrets. */
async function explain(what: string, request: DeploymentRequest, run: Run): Promise<Failure> {
  const log = await readContainerLog(request.servicesContainer, run, { lines: 400 }).catch(() => "");
  const diagnosis = diagnoseTorch("services", what) ?? diagnoseTorch("services", log);
  const secrets = await readSecrets(request.credentialFiles, request.runDirectory);
  const lines = redact(log, secrets).trimEnd().split("\n").slice(-20);
  return new Failure(
    [
      redact(what, secrets),
      ...(diagnosis === undefined ? [] : [`Likely cause: ${diagnosis.cause}`]),
      `The service layer's last lines (container ${request.servicesContainer}):`,
      ...lines.map((line) => `  ${line}`),
    ].join("\n"),
    { cure: diagnosis?.cure ?? "see TORCH-V2's logs, which post collects", final: true },
  );
}
