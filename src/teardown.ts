import { readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { createKubectl } from "./cluster/kubectl.ts";
import { removeOwnContainers, selectOwn } from "./cluster/ownership.ts";
import { removeEmptyFiles, removeFiles } from "./credentials/files.ts";
import { describeConnectivity, probeConnectivity } from "./diagnosis/connectivity.ts";
import { diagnoseConnectivity } from "./diagnosis/diagnose.ts";
import { findPullFailures } from "./diagnosis/pulls.ts";
import { listClusterContainers } from "./docker/cluster-containers.ts";
import { outliveRestart } from "./docker/engine-restart.ts";
import { removeImages } from "./docker/images.ts";
import { removeInterrupted } from "./docker/interrupted.ts";
import { KIND_CLUSTER_LABEL } from "./docker/labels.ts";
import { disconnectContainer } from "./docker/networks.ts";
import { describeError } from "./errors.ts";
import { createExec, type Exec } from "./exec.ts";
import { type Journal, type JournalState, reopenJournal, type TorchState } from "./journal.ts";
import { endProcess, endProcesses } from "./leftovers.ts";
import { deleteLoadBalancers, reportLoadBalancers } from "./load-balancer/teardown.ts";
import { collectLogs } from "./logs/collect.ts";
import { deleteRegistry } from "./pulls/teardown.ts";
import { hideRunSecrets, secretFiles } from "./run-secrets.ts";
import type { Log } from "./runner/log.ts";
import { removeBoot } from "./torch/stack/removal.ts";
import { removeNamespaces } from "./torch/template/teardown.ts";
import { tearDownUnrecorded } from "./unrecorded.ts";

/** What post knows: the run's folder and the job's state; everything else is in that folder's journal. */
export interface TeardownRequest {
  readonly runDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly jobFailed: boolean;
  readonly log: Log;
}

/** What the steps of a teardown work with. */
interface Teardown extends TeardownRequest {
  readonly exec: Exec;
  /** Does one step; its failure is a warning. @returns whether it succeeded. */
  readonly attempt: (what: string, work: () => Promise<void>) => Promise<boolean>;
}

/**
 * Ends what main left running, collects logs where they are wanted, and removes what the run made. Each step stands
 * alone: one that fails is a warning, never a failed job, and does not keep the next from being done.
 */
export async function tearDown(request: TeardownRequest): Promise<void> {
  const { runDirectory, log } = request;
  const teardown: Teardown = {
    ...request,
    exec: outliveRestart(createExec(runDirectory), log),
    attempt: attemptWith(log),
  };
  // First, and by what it has written so far: what it writes until it is gone must be read too.
  const { main } = (await reopenJournal(runDirectory).catch(() => undefined))?.state ?? {};
  await teardown.attempt("Ending main", async () => {
    if (main !== undefined && (await endProcess(main))) log.info("Ended main, which was still running");
  });
  const journal = await reopenJournal(runDirectory).catch((error: unknown) => {
    log.warning(`The journal of the run cannot be read: ${describeError(error)}`);
    return undefined;
  });
  const hidden = await teardown.attempt("Reading what is secret", () => hideRunSecrets(journal?.state, runDirectory));
  await teardown.attempt("Ending what main left running", async () => {
    const ended = await endProcesses(runDirectory);
    if (ended > 0) log.info(`Ended ${ended} process(es) that main had left running`);
  });
  if (journal === undefined) await tearDownUnrecorded(teardown);
  else if (!(await tearDownRun(journal, hidden, teardown))) return;
  await teardown.attempt("Removing the run's folder", () => rm(runDirectory, { recursive: true, force: true }));
}

function attemptWith(log: Log): Teardown["attempt"] {
  return async (what, work) => {
    try {
      await work();
      return true;
    } catch (error) {
      log.warning(`${what} failed: ${describeError(error)}`);
      return false;
    }
  };
}

/**
 * Looks at what is left of a run, and removes it.
 * @param hidden whether all that is secret is known: nothing is collected without that.
 * @returns whether the run's folder is of no use any more.
 */
async function tearDownRun(journal: Journal, hidden: boolean, teardown: Teardown): Promise<boolean> {
  const { state } = journal;
  const { attempt, log } = teardown;
  const failed = teardown.jobFailed || state.failed;
  const wanted = state.logs === "always" || (state.logs === "on-failure" && (failed || state.failedTries));
  if ((state.created || state.torch !== undefined) && wanted && hidden) {
    await attempt("Collecting logs", () => collectLogs({ ...teardown, journal }));
  }
  if (state.created && failed) await reportCauses(state, teardown);
  const draft = state.torch?.draft;
  // Of no use to anyone, and its folder stays in any case.
  if (draft !== undefined) await attempt("Removing half a package cache", () => rm(draft, { force: true }));
  if (!state.cleanup) {
    await removeNamespaces(state, teardown);
    log.info(`cleanup: false: the cluster ${state.cluster} and its credentials stay`);
    return false;
  }
  const left = await leaveNetworks(state, teardown);
  const torchRemoved = state.torch === undefined || (await removeTorch(state.torch, state.failed, teardown));
  // Once nothing can create them any more: they are in clusters that may stay.
  await removeNamespaces(state, teardown);
  await attempt("Removing the credentials", () => removeCredentials(state));
  const registryRemoved = await deleteRegistry(state, teardown);
  await deleteLoadBalancers(state, teardown);
  const deleted = !state.created || (await deleteCluster(state, teardown));
  // Again: what the provider had asked Docker for may have been created while it was removed.
  const balancersRemoved = await deleteLoadBalancers({ ...state, failed: false }, teardown);
  return left && torchRemoved && registryRemoved && balancersRemoved && deleted;
}

/** Before the networks are removed: one that a container is in stays. */
async function leaveNetworks({ joined }: JournalState, { attempt, exec }: Teardown): Promise<boolean> {
  if (joined === undefined) return true;
  const left: boolean[] = [];
  for (const network of joined.networks) {
    const leave = () => disconnectContainer(network, joined.container, exec);
    left.push(await attempt(`Leaving the network ${network}`, leave));
  }
  return !left.includes(false);
}

async function removeTorch(torch: TorchState, interrupted: boolean, { attempt, exec, log }: Teardown) {
  const removed = await attempt("Removing TORCH-V2", async () => {
    const count = await removeBoot(torch, interrupted, exec);
    if (count > 0) log.info(`Removed ${count} container(s) of TORCH-V2`);
  });
  await attempt("Removing empty files in TORCH-V2's folders", () => removeEmptyFiles(torch.placeholders));
  await attempt("Removing TORCH-V2's images", () => removeImages(torch.images, exec));
  if (!removed) {
    log.warning(
      `Containers of TORCH-V2 may still be there. Fix: run docker rm --force --volumes $(docker ps --all --quiet --filter label=${torch.label})`,
    );
  }
  return removed;
}

async function deleteCluster(state: JournalState, { attempt, exec, log, runDirectory }: Teardown): Promise<boolean> {
  const deleted = await attempt("Deleting the cluster", async () => {
    const names = await removeInterrupted(state.pending, () => removeOwnContainers(state, exec), exec);
    log.info(names.length === 0 ? "No container of this run is left" : `Deleted ${names.join(", ")}`);
  });
  if (!deleted) {
    // The journal and the owner's folder prove which containers are this run's: a later post still needs them.
    await attempt("Removing the kubeconfigs", () =>
      removeFiles([...secretFiles(runDirectory), ...(state.kubeconfigs ?? [])]),
    );
    log.warning(
      `The cluster ${state.cluster} may still be there. Fix: run docker rm --force --volumes $(docker ps --all --quiet --filter label=${KIND_CLUSTER_LABEL}=${state.cluster})`,
    );
  }
  return deleted;
}

async function reportCauses(state: JournalState, teardown: Teardown): Promise<void> {
  await teardown.attempt("Looking for causes", () => reportConnectivity(state, teardown));
  await teardown.attempt("Looking for images", () => reportPulls(state, teardown));
  await teardown.attempt("Looking for load balancers", () => reportLoadBalancers(state, teardown));
}

/** After a failure, says whether pods reach the internet: a test that fails for want of it rarely says so. */
async function reportConnectivity(state: JournalState, { exec, log }: Teardown): Promise<void> {
  const own = selectOwn(await listClusterContainers(exec, state.cluster), state);
  const nodes = own.map((container) => container.name).filter((name) => state.nodes.includes(name));
  const connectivity = await probeConnectivity(nodes, state.internetProbe, exec);
  const diagnosis = diagnoseConnectivity(connectivity);
  if (diagnosis !== undefined) log.warning(`${diagnosis.cause} Fix: ${diagnosis.fix}.`);
  else if (connectivity !== undefined) log.info(describeConnectivity(connectivity));
}

/** After a failure, says why nodes could not pull images. */
async function reportPulls(state: JournalState, { exec, log, runDirectory }: Teardown): Promise<void> {
  const { kubectl } = state;
  const kubeconfig = join(runDirectory, "kubeconfig");
  if (kubectl === undefined || !(await isFile(kubeconfig))) return;
  const admin = createKubectl({ kubectl, kubeconfig, runDirectory, exec });
  // Where the API server does not answer, there is nothing to say.
  const found = await findPullFailures(admin).catch((error: unknown) => void log.debug(describeError(error)));
  for (const { cause, fix } of found ?? []) log.warning(`${cause} Fix: ${fix}.`);
}

function isFile(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

async function removeCredentials({ credentialFiles, createdDirectories }: JournalState): Promise<void> {
  await removeFiles(credentialFiles);
  // A folder that holds something else by now belongs to someone else, and stays.
  for (const folder of createdDirectories) await rmdir(folder).catch(() => undefined);
}
