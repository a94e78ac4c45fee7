import { rm } from "node:fs/promises";
import { diagnose } from "../diagnosis/diagnose.ts";
import { collectSymptoms } from "../diagnosis/symptoms.ts";
import { type ClusterContainer, listClusterContainers } from "../docker/cluster-containers.ts";
import { type PendingContainer, removeInterrupted } from "../docker/interrupted.ts";
import { describeError, Failure, withSystemFix } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import type { HostPort } from "../host/ports.ts";
import type { Log } from "../runner/log.ts";
import type { ClusterNode } from "../values/nodes.ts";
import { kindKubeconfig } from "./create.ts";
import { type Ownership, removeOwnContainers, selectOwn } from "./ownership.ts";

/** What is tried, and what a try may leave behind. */
export interface RetryRequest {
  readonly attempts: number;
  readonly nodes: readonly ClusterNode[];
  /** The ports of this machine that the user named. */
  readonly ports: readonly HostPort[];
  readonly ownership: Ownership;
  /** What kind creates. */
  readonly containers: readonly PendingContainer[];
  readonly runDirectory: string;
  /** Aborted when what the cluster is for has failed: then there is no other try. */
  readonly signal: AbortSignal;
  /** Called with the nodes of a try that failed, before they are removed. */
  readonly keepLogs: (attempt: number, nodes: readonly ClusterContainer[]) => Promise<void>;
}

/** What a retry works with. */
export interface RetryTools {
  readonly exec: Exec;
  readonly log: Log;
}

/**
 * Tries to create a cluster. What fails is diagnosed; where no cause is named, the failed try's logs are kept, its nodes
 * removed, and the whole is tried again: node boot and kubeadm are known to be flaky.
 * @param create one try, counted from 1.
 * @throws Failure with the cause and its fix.
 */
export async function retryCreate<T>(
  request: RetryRequest,
  create: (attempt: number) => Promise<T>,
  tools: RetryTools,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await create(attempt);
    } catch (error) {
      await refuseRetry(error, attempt, request, tools);
      tools.log.info(`Try ${attempt} of ${request.attempts} failed: ${describeError(error)}`);
      await removeTry(attempt, request, tools);
    }
  }
}

/** @throws where another try is of no use, or none is left: the error, with its cause where one is known. */
async function refuseRetry(
  error: unknown,
  attempt: number,
  { attempts, nodes, ports, signal }: RetryRequest,
  { exec }: RetryTools,
): Promise<void> {
  if (signal.aborted) throw error;
  const names = nodes.map((node) => node.name);
  const diagnosis = diagnose(await collectSymptoms({ nodes: names, error: describeCommand(error), ports }, exec));
  if (diagnosis !== undefined && !(diagnosis.retryable === true && attempt < attempts)) {
    const words = error instanceof Failure ? error.message : describeError(error);
    const text = words.includes(diagnosis.cause) ? words : `${diagnosis.cause}\n${words}`;
    throw new Failure(text, { fix: diagnosis.fix, cause: error });
  }
  if (attempt >= attempts || (error instanceof Failure && !error.retryable)) throw withFix(error);
}

/** An error that no try can change, with what there is to do where nothing better is known. */
function withFix(error: unknown): unknown {
  const known = withSystemFix(error);
  if (known instanceof Failure && known.fix !== undefined) return known;
  return new Failure(describeError(error), {
    fix: "look at the collected logs, which have those of each try that failed, and run the job again with debug logging if they do not say it",
    cause: error,
  });
}

async function removeTry(attempt: number, request: RetryRequest, { exec }: RetryTools): Promise<void> {
  const { ownership, containers, runDirectory } = request;
  const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
  await request.keepLogs(attempt, own);
  await removeInterrupted(containers, () => removeOwnContainers(ownership, exec), exec);
  await rm(kindKubeconfig(runDirectory), { force: true });
}

/** All that a command wrote, where one failed: its message holds the last lines only. */
function describeCommand(error: unknown): string {
  return error instanceof CommandError ? `${error.message}\n${error.stdout}\n${error.stderr}` : describeError(error);
}
