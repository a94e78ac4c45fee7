import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kubectl } from "../../cluster/kubectl.ts";
import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { Log } from "../../runner/log.ts";
import { maskText } from "../../runner/mask.ts";
import type { Timeline } from "../../timeline.ts";
import { PageError, type Visited } from "../clients/browser.ts";
import { type Dashboard, openDashboard } from "../clients/dashboard.ts";
import { type Engine, openEngine, type ProcessInstance } from "../clients/engine.ts";
import { COMPONENTS, type ComponentName, type PerComponent } from "../components.ts";
import { findEnd, inspectContainer } from "../stack/container.ts";
import { explainFailure } from "../stack/explain.ts";
import { accountPasswordPath } from "../stack/secrets.ts";
import { type ClusterAccess, type Csar, pointCsar } from "./csar.ts";
import { checkGraph, listApplications, readGraph } from "./graph.ts";
import { judge, readNodeStates, WAITING } from "./progress.ts";
import {
  findStuckPods,
  hasNamespace,
  notRunningReason,
  readWorkload,
  STUCK_SECONDS,
  type StuckPod,
  type WorkloadSnapshot,
} from "./workload.ts";

/** A template to deploy through TORCH-V2, from its registration to its last node. */
export interface DeploymentRequest {
  readonly csar: Csar;
  /** The Cluster node to point at the run's cluster. */
  readonly node: string;
  readonly access: ClusterAccess;
  readonly urls: { readonly dashboard: string; readonly engine: string };
  /** As the dashboard's container reaches them. */
  readonly addresses: { readonly engine: string; readonly broker: string };
  readonly containers: PerComponent<string>;
  /** Their content is kept out of what is said. */
  readonly runDirectory: string;
  readonly waitSeconds: number;
}

/** What a deployment works with. */
export interface DeploymentTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
  /** As the cluster's admin. */
  readonly kubectl: Kubectl;
}

/** A template that the dashboard has: validated, created, not launched. */
export interface CreatedTemplate {
  readonly dashboard: Dashboard;
  /** The page that lists it. */
  readonly list: Visited;
  /** Those of its nodes that become Deployments. */
  readonly applications: readonly string[];
}

/** A template whose every node is started and whose every Deployment is available. */
export interface Deployed {
  readonly template: string;
  readonly nodes: readonly string[];
  /** What the template has in the cluster, as `deployment/name` and `service/name`. */
  readonly objects: readonly string[];
}

/** Seconds between the engine's looks at a node. */
const CHECK_PERIOD = 2;

/**
 * Minutes that TORCH gives a node. A Deployment passes its progress deadline after ten, and the connector then says that
 * it is there although no pod ever ran.
 */
const MAX_CREATE_MINUTES = 9;
const POLL_MILLISECONDS = 1000;

/** How many looks in a row may fail: a busy engine may miss one. */
const MAX_MISSES = 5;

/** How often the cluster is looked at, in milliseconds. */
const WORKLOAD_MILLISECONDS = 3000;

/** A launch that fails after less than this, in milliseconds, did not time out in the engine. */
const ENGINE_PATIENCE = 4500;

/** How long a call that timed out may take to do what it was asked for. */
const LATE_SECONDS = 10;

/** How long a launch that the dashboard took may be without an instance in the engine. */
const APPEAR_SECONDS = 20;

/** How long after its first look a pod that does not start is warned of, in seconds. */
const TELL_SECONDS = 10;

/**
 * Registers, validates and creates the template, as a person does. It needs the dashboard alone.
 * @throws Failure with the dashboard's words.
 */
export async function createTemplate(request: DeploymentRequest, tools: DeploymentTools): Promise<CreatedTemplate> {
  const { csar, urls, node, access } = request;
  const { log, timeline, signal } = tools;
  const { template, nodes } = csar;
  return await timeline.measure("Register and validate the template", async () => {
    const dashboard = openDashboard(urls.dashboard, signal);
    const password = randomBytes(18).toString("base64url");
    maskText(password);
    await writeFile(accountPasswordPath(request.runDirectory), password, { mode: 0o600 });
    // A dashboard may keep its accounts for longer than one run.
    const name = `kind-torch-${randomBytes(4).toString("hex")}`;
    const file = pointCsar(csar, node, access);
    try {
      const home = await dashboard.register({ name, email: `${name}@example.org`, password });
      const validated = await dashboard.validate({ name: template, ...file }, home);
      const graph = readGraph(validated.graph);
      checkGraph(graph, csar);
      const list = await dashboard.create(template, validated);
      log.info(`Template ${template} registered and validated: ${nodes.join(", ")}`);
      return { dashboard, list, applications: listApplications(graph) };
    } catch (error) {
      throw await explainDashboard(error, request, tools, ["dashboard"]);
    }
  });
}

/**
 * Launches a created template and follows every node until it is started, then every Deployment until it is available.
 * @throws Failure with the node or pod, the reason in its own words, and the likely cause.
 */
export async function deployTemplate(
  { dashboard, list, applications }: CreatedTemplate,
  request: DeploymentRequest,
  tools: DeploymentTools,
): Promise<Deployed> {
  const { csar, urls, addresses, waitSeconds } = request;
  const { log, timeline, signal } = tools;
  const { template, nodes } = csar;
  const engine = openEngine(urls.engine, signal);
  const known = new Set((await engine.listTopInstances()).map((instance) => instance.id));
  await timeline.measure("Deploy the template", async () => {
    const settings = {
      bpmnEngineEndpoint: addresses.engine,
      serviceBrokerEndpoint: addresses.broker,
      // A retry deletes what the first try made, and the reason why it failed with it.
      retryCounter: "0",
      checkPeriod: String(CHECK_PERIOD),
      createTimeout: String(Math.min(MAX_CREATE_MINUTES, Math.max(1, Math.ceil(waitSeconds / 60)))),
    };
    try {
      const page = await dashboard.openTemplate(template, list);
      await launchPatiently(template, () => dashboard.launch(settings, page, list), engine, known, tools);
    } catch (error) {
      throw await explainDashboard(error, request, tools, ["engine", "dashboard", "services"]);
    }
    await followDeployment(engine, known, applications, request, tools);
  });
  const { deployments, services } = await readWorkload(template, nodes, tools.kubectl);
  const objects = [...deployments, ...services].map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
  log.info(objects.length === 0 ? `${template} has no Deployment` : `Of ${template}: ${objects.join(", ")}`);
  return { template, nodes, objects };
}

/**
 * Flowable waits five seconds for an answer, and the first node is made inside the launch: the first call of a connector
 * that has just started may take longer on a busy machine. The start is rolled back then, and tried once more.
 */
async function launchPatiently(
  template: string,
  launch: () => Promise<void>,
  engine: Engine,
  known: ReadonlySet<string>,
  { log, kubectl, signal }: DeploymentTools,
): Promise<void> {
  const existed = await hasNamespace(template, kubectl);
  const hasStarted = async () => (await engine.listTopInstances()).some(({ id }) => !known.has(id));
  const begin = performance.now();
  try {
    return await launch();
  } catch (error) {
    const timedOut = error instanceof PageError && error.status >= 500 && performance.now() - begin > ENGINE_PATIENCE;
    if (!timedOut || existed || (await hasStarted())) throw error;
    log.info("The launch timed out in the engine, whose call of the service layer may take 5 s. Launching again, once");
    // What the slow call makes in the end would be in the way of the next.
    for (const end = performance.now() + LATE_SECONDS * 1000; performance.now() < end; ) {
      if (await hasNamespace(template, kubectl)) break;
      await sleep(POLL_MILLISECONDS, undefined, { signal });
    }
    if (await hasStarted()) throw error;
    await kubectl(["delete", "namespace", template, "--ignore-not-found", "--timeout=60s"], {
      purpose: `removing the namespace ${template}`,
      timeoutSeconds: 90,
    });
    return await launch();
  }
}

/** Follows a deployment to its end. */
async function followDeployment(
  engine: Engine,
  known: ReadonlySet<string>,
  applications: readonly string[],
  request: DeploymentRequest,
  tools: DeploymentTools,
): Promise<void> {
  const { csar, waitSeconds } = request;
  const { log, exec, signal, kubectl } = tools;
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const reported = new Map(csar.nodes.map((node) => [node, WAITING]));
  const stuck = watchStuckPods(log, kubectl);
  let top: ProcessInstance | undefined;
  let workload: WorkloadSnapshot | undefined;
  let workloadAt = 0;
  const look = async () => {
    top ??= (await engine.listTopInstances()).find((instance) => !known.has(instance.id));
    const instances = top === undefined ? [] : await engine.listInstancesBelow(top);
    if (top !== undefined && instances.length === 0) throw new Failure("The engine no longer knows the deployment.");
    const dead = await engine.listDeadJobs(instances);
    if (performance.now() - workloadAt > WORKLOAD_MILLISECONDS) {
      workload = await readWorkload(csar.template, csar.nodes, kubectl);
      workloadAt = performance.now();
    }
    return { instances, dead, workload };
  };
  for (let misses = 0; ; ) {
    signal.throwIfAborted();
    for (const name of ["services", "engine"] as const) {
      const end = findEnd(await inspectContainer(request.containers[name], exec, signal));
      if (end === undefined) continue;
      throw await explain(`The ${COMPONENTS[name].title} ${end} during the deployment.`, request, tools, [name]);
    }
    let looked: Awaited<ReturnType<typeof look>>;
    try {
      looked = await look();
      misses = 0;
    } catch (error) {
      signal.throwIfAborted();
      misses += 1;
      if (misses > MAX_MISSES || elapsed() > waitSeconds) {
        throw await explain(describeError(error), request, tools, ["engine"]);
      }
      log.debug(describeError(error));
      await sleep(POLL_MILLISECONDS, undefined, { signal });
      continue;
    }
    const { instances, dead } = looked;
    const states = readNodeStates(csar.nodes, instances);
    for (const { node, status } of states) {
      if (reported.get(node) !== status) log.info(`${node}: ${status}`);
      reported.set(node, status);
    }
    const verdict = judge(csar.template, states, instances, dead);
    const failed = looked.workload === undefined ? undefined : await stuck.check(looked.workload);
    // A pod's own words are the cause: what the components say beside it is about something else.
    if (failed !== undefined) throw await explain(failed, request, tools, []);
    if ("failed" in verdict) throw await explain(verdict.failed, request, tools);
    const lacking =
      looked.workload === undefined
        ? "the cluster was not looked at"
        : notRunningReason(looked.workload, applications, Date.now());
    if (verdict.started && lacking === undefined) return;
    if (top === undefined && elapsed() > APPEAR_SECONDS) {
      throw await explain(
        `The dashboard took the launch, but the engine has no process of it after ${APPEAR_SECONDS} s.`,
        request,
        tools,
        ["dashboard", "engine"],
      );
    }
    if (elapsed() > waitSeconds) {
      const waits = states
        .filter(({ status }) => status !== "STARTED")
        .map(({ node, status }) => `${node} (${status})`);
      const rest =
        waits.length > 0
          ? `Not every node of ${csar.template} was STARTED: ${waits.join(", ")}`
          : `Every node of ${csar.template} is STARTED, but ${lacking}`;
      throw await explain(`${rest}. Timed out after ${waitSeconds} s (torch-wait).`, request, tools);
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** Tells of pods that do not start, and says when one has not for too long. */
function watchStuckPods(log: Log, kubectl: Kubectl) {
  const since = new Map<string, number>();
  const warned = new Set<string>();
  return {
    async check(workload: WorkloadSnapshot): Promise<string | undefined> {
      const now = performance.now();
      const stuck = findStuckPods(workload);
      const names = new Set(stuck.map(keyOf));
      for (const key of since.keys()) {
        // A container that crashes is up for a moment each time.
        if (!names.has(key) && !key.endsWith("crash")) since.delete(key);
      }
      for (const pod of stuck) {
        const key = keyOf(pod);
        const begin = since.get(key) ?? now;
        since.set(key, begin);
        const seconds = (now - begin) / 1000;
        if (seconds > TELL_SECONDS && !warned.has(key)) {
          warned.add(key);
          log.warning(`The pod ${pod.pod} does not start: ${pod.words}`);
        }
        if (seconds > STUCK_SECONDS[pod.what]) {
          return [`The pod ${pod.pod} does not start: ${pod.words}`, ...(await readPodLog(pod, kubectl))].join("\n");
        }
      }
      return undefined;
    },
  };
}

function keyOf({ namespace, pod, what }: StuckPod): string {
  return `${namespace}/${pod} ${what}`;
}

/** The last that a crashed container said. */
async function readPodLog({ namespace, pod, what }: StuckPod, kubectl: Kubectl): Promise<readonly string[]> {
  if (what !== "crash") return [];
  const { stdout } = await kubectl(
    ["logs", `--namespace=${namespace}`, pod, "--all-containers", "--previous", "--tail=10"],
    { purpose: `reading the log of ${pod}` },
  ).catch(() => ({ stdout: "" }));
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? [] : ["Its last lines:", ...lines.map((line) => `  ${line.slice(0, 400)}`)];
}

/** What failed in the deployment, with what the components concerned said. */
async function explain(
  what: string,
  request: DeploymentRequest,
  { exec }: DeploymentTools,
  concerned: readonly ComponentName[] = ["services"],
): Promise<Failure> {
  return await explainFailure(
    what,
    concerned.map((name) => ({ component: COMPONENTS[name], container: request.containers[name] })),
    { exec },
  );
}

/** What the dashboard refused or broke on; behind an error of its own may stand the engine. */
async function explainDashboard(
  error: unknown,
  request: DeploymentRequest,
  tools: DeploymentTools,
  concerned: readonly ComponentName[],
): Promise<unknown> {
  tools.signal.throwIfAborted();
  if (!(error instanceof Failure) || error.fix !== undefined) return error;
  return await explain(describeError(error), request, tools, concerned);
}
