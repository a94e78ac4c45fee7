import { describeError, Failure } from "../../errors.ts";
import { poll } from "../../poll.ts";
import type { Log } from "../../runner/log.ts";
import type { Engine } from "../clients/engine.ts";
import type { ProcessInstance } from "../clients/instances.ts";
import type { DeadJob } from "../clients/jobs.ts";
import { explainDeployment, explainEnded } from "./explain.ts";
import type { Application } from "./graph.ts";
import { lackingApplications, placeApplications } from "./placement.ts";
import { judge, type NodeState, readNodeStates, STARTED, WAITING } from "./progress.ts";
import type { DeploymentRequest, DeploymentTools } from "./request.ts";
import { watchStuckPods } from "./stuck-watch.ts";
import { readWorkloads, type Workloads } from "./workload.ts";

/** A template that was launched. */
export interface Launched {
  readonly engine: Engine;
  /** The ids of the instances that the engine had before the launch. */
  readonly known: ReadonlySet<string>;
  /** The nodes that become Deployments. */
  readonly applications: readonly Application[];
}

const POLL_MILLISECONDS = 1000;

/** How long the engine may have no instance of a launch that the dashboard took. */
const APPEAR_SECONDS = 20;

/**
 * Follows a deployment until every node is started and every application runs.
 * @throws Failure as soon as it has failed, or once its time is over.
 */
export async function followDeployment(
  launched: Launched,
  request: DeploymentRequest,
  tools: DeploymentTools,
): Promise<void> {
  const { csar, waitSeconds } = request;
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const observe = observeDeployment(launched, request, tools);
  const logStates = logChanges(csar.nodes, tools.log);
  const findStuckPod = watchStuckPods(tools.log, tools.clusters);

  const look = async () => {
    await checkContainers(request, tools);
    const observed = await observe(elapsed);
    if (observed === undefined) return undefined;
    const { instances, dead, workloads } = observed;
    const states = readNodeStates(csar.nodes, instances);
    logStates(states);
    const verdict = judge(csar.template, states, instances, dead);
    const stuck = await findStuckPod(workloads);
    // The pod's own message is the cause. What the components say then is about something else.
    if (stuck !== undefined) throw await explainDeployment(stuck, request, tools, []);
    if ("failed" in verdict) throw await explainDeployment(verdict.failed, request, tools);
    const lacking = lackingReason(workloads, launched.applications, request);
    if (verdict.started && lacking === undefined) return true;
    if (instances.length === 0 && elapsed() > APPEAR_SECONDS) {
      const what = `The dashboard accepted the launch, but the engine has no process for it after ${APPEAR_SECONDS} s.`;
      throw await explainDeployment(what, request, tools, ["dashboard", "engine"]);
    }
    if (elapsed() > waitSeconds) {
      throw await explainDeployment(describeTimeout(states, lacking, request), request, tools);
    }
    return undefined;
  };
  await poll(look, { everyMilliseconds: POLL_MILLISECONDS, signal: tools.signal });
}

/** Why the applications do not all run yet; `undefined` once they do. */
function lackingReason(
  workloads: Workloads | undefined,
  applications: readonly Application[],
  { csar, placed }: DeploymentRequest,
): string | undefined {
  if (workloads === undefined) return "the cluster was not checked";
  return lackingApplications(workloads, placeApplications(applications, { nodes: csar.clusters, placed }), Date.now());
}

/** What engine and cluster have of a deployment. */
interface Observation {
  /** The instance that was launched, first, and all below it; none while the engine has none. */
  readonly instances: readonly ProcessInstance[];
  readonly dead: readonly DeadJob[];
  readonly workloads: Workloads | undefined;
}

/** How often in a row an observation may fail: a busy engine may miss one. */
const MAX_MISSES = 5;

/** How often the cluster is looked at, in milliseconds. */
const WORKLOAD_MILLISECONDS = 3000;

/** Observes engine and cluster at each call. It has no result if that fails, and fails itself after too many of these. */
function observeDeployment({ engine, known }: Launched, request: DeploymentRequest, tools: DeploymentTools) {
  const { csar, waitSeconds } = request;
  let top: ProcessInstance | undefined;
  let workloads: Workloads | undefined;
  let workloadAt = 0;
  let misses = 0;

  const observe = async (): Promise<Observation> => {
    top ??= (await engine.listTopInstances()).find((instance) => !known.has(instance.id));
    const instances = top === undefined ? [] : await engine.listInstancesBelow(top);
    if (top !== undefined && instances.length === 0) throw new Failure("The engine no longer has the deployment.");
    const dead = await engine.listDeadJobs(instances);
    if (performance.now() - workloadAt > WORKLOAD_MILLISECONDS) {
      workloads = await readWorkloads(csar.template, csar.nodes, tools.clusters);
      workloadAt = performance.now();
    }
    return { instances, dead, workloads };
  };
  return async (elapsed: () => number): Promise<Observation | undefined> => {
    try {
      const observed = await observe();
      misses = 0;
      return observed;
    } catch (error) {
      tools.signal.throwIfAborted();
      misses += 1;
      if (misses > MAX_MISSES || elapsed() > waitSeconds) {
        throw await explainDeployment(describeError(error), request, tools, ["engine"]);
      }
      tools.log.debug(describeError(error));
      return undefined;
    }
  };
}

/** @throws Failure if a component has ended. */
async function checkContainers(request: DeploymentRequest, tools: DeploymentTools): Promise<void> {
  const ended = await explainEnded("", request, tools);
  if (ended !== undefined) throw ended;
}

/** Logs the status of each node when it changes. */
function logChanges(nodes: readonly string[], log: Log) {
  const logged = new Map(nodes.map((node) => [node, WAITING]));
  return (states: readonly NodeState[]) => {
    for (const { node, status } of states) {
      if (logged.get(node) !== status) log.info(`${node}: ${status}`);
      logged.set(node, status);
    }
  };
}

/** What a deployment whose time is over has not reached. @param lacking why its applications do not all run. */
function describeTimeout(
  states: readonly NodeState[],
  lacking: string | undefined,
  { csar: { template }, waitSeconds }: DeploymentRequest,
): string {
  const waiting = states.filter(({ status }) => status !== STARTED).map(({ node, status }) => `${node} (${status})`);
  const what =
    waiting.length > 0
      ? `Not every node of ${template} was STARTED: ${waiting.join(", ")}`
      : `Every node of ${template} is STARTED, but ${lacking}`;
  return `${what}. Timed out after ${waitSeconds} s (torch-wait).`;
}
