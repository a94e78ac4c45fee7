import { rm } from "node:fs/promises";
import { join } from "node:path";
import { diagnose } from "../diagnosis/diagnose.ts";
import { collectSymptoms } from "../diagnosis/symptoms.ts";
import { type ClusterContainer, listClusterContainers } from "../docker/containers.ts";
import { type PendingContainer, removeInterrupted } from "../docker/interrupted.ts";
import { describeError, Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import type { HostPort } from "../host/ports.ts";
import type { Log } from "../runner/log.ts";
import type { Timeline } from "../timeline.ts";
import type { ClusterNode } from "../values/nodes.ts";
import { startNodeIpam } from "./fast-boot/node-ipam.ts";
import type { FastBoot } from "./fast-boot/plan.ts";
import { createCluster, readAdminConf } from "./kind.ts";
import { type Ownership, refuseStrangers, removeOwnContainers, selectOwn } from "./ownership.ts";
import { waitForApiServer } from "./ready.ts";
import { watchNodes } from "./watch.ts";

/** A cluster to make. */
export interface CreationRequest {
  readonly kind: string;
  readonly cluster: string;
  readonly nodes: readonly ClusterNode[];
  /** kind's configuration, with the acceleration or without. */
  readonly configurationFor: (acceleration: FastBoot | undefined) => string;
  readonly acceleration: FastBoot | undefined;
  /** The user's kind configuration as it was written, where there is one. */
  readonly configuration: string | undefined;
  readonly runDirectory: string;
  /** The ports of this machine that the user named. */
  readonly ports: readonly HostPort[];
  readonly ownership: Ownership;
  /** What kind makes. */
  readonly containers: readonly PendingContainer[];
  readonly attempts: number;
  /** Ends the creation: what it was for has failed. */
  readonly signal: AbortSignal;
}

/** An API server that answers, with what opens it. */
export interface AnsweringApi {
  /** Its address on this machine. */
  readonly server: string;
  /** kubeadm's kubeconfig of the admin; a secret. */
  readonly adminConf: string;
}

/** What is done beside the create, from the moment the API server answers, and what after it. */
export interface CreationSteps<T> {
  /** Gets the admin's kubeconfig; must stop when the signal says so. */
  readonly whenApiAnswers: (api: AnsweringApi, acceleration: FastBoot | undefined, signal: AbortSignal) => Promise<T>;
  readonly whenCreated: (result: T) => Promise<void>;
  /** Called with the nodes of a try that failed, before they are removed. */
  readonly whenTryFailed: (attempt: number, nodes: readonly ClusterContainer[]) => Promise<void>;
}

/** What a creation works with. */
export interface CreationTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
}

/**
 * Creates the cluster, with the caller's steps beside it. What fails is diagnosed; where no cause is named, the failed
 * try's logs are kept, its nodes removed, and the whole tried again: node boot and kubeadm are known to be flaky.
 * @throws Failure with the cause and its fix.
 */
export async function createClusterWith<T>(
  request: CreationRequest,
  steps: CreationSteps<T>,
  tools: CreationTools,
): Promise<T> {
  const { exec, log } = tools;
  for (let attempt = 1; ; attempt += 1) {
    try {
      // What fails once is tried again the plain way: the cause may be what we left out.
      return await tryCreate(request, attempt === 1 ? request.acceleration : undefined, steps, tools);
    } catch (error) {
      if (request.signal.aborted) throw error;
      const symptoms = await collectSymptoms(
        { nodes: request.nodes.map((node) => node.name), error: describeCommand(error), ports: request.ports },
        exec,
      );
      const diagnosis = diagnose(symptoms);
      if (diagnosis !== undefined && !(diagnosis.retryable === true && attempt < request.attempts)) {
        const words = error instanceof Failure ? error.message : describeError(error);
        throw new Failure(`${diagnosis.cause}\n${words}`, { fix: diagnosis.fix, cause: error });
      }
      if (attempt >= request.attempts || (error instanceof Failure && !error.retryable)) throw error;
      log.info(`Try ${attempt} of ${request.attempts} failed: ${describeError(error)}`);
      const own = selectOwn(await listClusterContainers(exec, request.cluster), request.ownership);
      await steps.whenTryFailed(attempt, own);
      await removeInterrupted(request.containers, () => removeOwnContainers(request.ownership, exec), exec);
      await rm(kindKubeconfig(request.runDirectory), { force: true });
    }
  }
}

/** How long the API server may be silent once kind has done its part: it answered kubeadm long before. */
const ANSWER_SECONDS = 60;

/** All that a command said, where one failed: its message holds the last lines alone. */
function describeCommand(error: unknown): string {
  return error instanceof CommandError ? `${error.message}\n${error.stdout}\n${error.stderr}` : describeError(error);
}

async function tryCreate<T>(
  request: CreationRequest,
  acceleration: FastBoot | undefined,
  steps: CreationSteps<T>,
  { exec, log, timeline }: CreationTools,
): Promise<T> {
  await refuseStrangers(request.ownership, exec);
  const stop = new AbortController();
  const giveUp = new AbortController();
  const stopped = AbortSignal.any([stop.signal, request.signal]);
  const create = timeline.measure("Create cluster", () =>
    createCluster(
      request.kind,
      request.cluster,
      request.configurationFor(acceleration),
      kindKubeconfig(request.runDirectory),
      exec,
      log,
      stopped,
    ),
  );
  create.then(
    () => setTimeout(() => giveUp.abort(), ANSWER_SECONDS * 1000).unref(),
    () => undefined,
  );
  let serving = false;
  const beside = (async () => {
    // Envoy, kind's load balancer from 0.32 on, sends connections to control planes that have not joined yet too, as long
    // as fewer than half are healthy (its panic threshold). Asking meanwhile fails, and takes the turns of kubeadm's joins.
    if (request.nodes.filter((node) => node.role === "control-plane").length > 1) await create;
    const api = await timeline.measure("API server answers", () =>
      waitForApiServer(request.ownership, request.nodes, exec, AbortSignal.any([stopped, giveUp.signal])),
    );
    if (api === undefined) {
      throw new Failure("kind made the cluster, but its API server does not answer on the port that it published.", {
        fix: "run this step on the machine of the Docker Engine (no remote DOCKER_HOST, no container job), or look at the API server's log",
        retryable: !giveUp.signal.aborted,
      });
    }
    serving = true;
    const adminConf = await readAdminConf(api.controlPlane, exec);
    return await steps.whenApiAnswers({ server: api.server, adminConf }, acceleration, stopped);
  })();
  const watching = new AbortController();
  const watched = { ownership: request.ownership, configuration: request.configuration, isServing: () => serving };
  const watch = watchNodes(watched, exec, AbortSignal.any([stopped, watching.signal]));
  // It is ended when the others have come to an end, and has no say then.
  const never = new Promise<never>(() => undefined);
  const complete = async () => {
    const [, result] = await Promise.all([create, beside]);
    await steps.whenCreated(result);
    if (acceleration !== undefined) await startNodeIpam(acceleration, request.nodes, exec);
    return result;
  };
  try {
    const result = await Promise.race([complete(), watch.then(() => never)]);
    watching.abort();
    return result;
  } catch (error) {
    stop.abort();
    watching.abort();
    await Promise.allSettled([create, beside, watch]);
    throw error;
  }
}

/** Where kind writes a kubeconfig: never the user's own, and never the one that later steps get. */
function kindKubeconfig(runDirectory: string): string {
  return join(runDirectory, "kind.kubeconfig");
}
