import { readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createKubectl } from "./cluster/kubectl.ts";
import { removeOwnContainers, selectOwn } from "./cluster/ownership.ts";
import { removeEmptyFiles, removeFiles } from "./credentials/files.ts";
import { diagnoseInternet } from "./diagnosis/diagnose.ts";
import { type Connectivity, probeConnectivity } from "./diagnosis/symptoms.ts";
import { listClusterContainers } from "./docker/containers.ts";
import { removeInterrupted } from "./docker/interrupted.ts";
import { KIND_CLUSTER_LABEL } from "./docker/labels.ts";
import { describeError } from "./errors.ts";
import { CommandError, createExec, type Exec, endProcesses } from "./exec.ts";
import { type JournalState, readRecord, writeRecord } from "./journal.ts";
import { makeLogFolder, openLogFolder } from "./logs/folder.ts";
import { collectNodeLogs } from "./logs/nodes.ts";
import { collectTorchLogs } from "./logs/torch.ts";
import { hasArtifactService, uploadArtifact } from "./runner/artifact.ts";
import type { Log } from "./runner/log.ts";
import { hide } from "./runner/mask.ts";
import { removeBoot, removeImages } from "./torch/stack/removal.ts";
import { accountPasswordPath } from "./torch/stack/secrets.ts";

/** What post knows: the run's folder and the job's state; everything else is on record in that folder. */
export interface TeardownRequest {
  readonly runDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly jobFailed: boolean;
  readonly log: Log;
}

/**
 * Ends what main left running, collects logs where they are wanted, and removes what the run made. Each step stands
 * alone: one that fails is a warning, never a failed job, and does not keep the next from being done.
 */
export async function tearDown({ runDirectory, environment, jobFailed, log }: TeardownRequest): Promise<void> {
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      log.warning(`${what} failed: ${describeError(error)}`);
      return false;
    }
  };
  const record = await readRecord(runDirectory).catch((error) => {
    log.warning(`The record of the run cannot be read: ${describeError(error)}`);
    return undefined;
  });
  const exec = createExec(runDirectory);
  const hidden = await attempt("Reading what is secret", () => hideSecrets(record, runDirectory));

  await attempt("Ending what main left running", async () => {
    const ended = await endProcesses(runDirectory);
    if (ended > 0) log.info(`Ended ${ended} process(es) that main had left running`);
  });
  if (record !== undefined) {
    const failed = jobFailed || record.failed;
    const wanted = record.logs === "always" || (record.logs === "on-failure" && (failed || record.failedTries));
    // Nothing is collected of which it is not known what must not be in it.
    if ((record.created || record.torch !== undefined) && wanted && hidden) {
      await attempt("Collecting logs", () => collectLogs(record, runDirectory, environment, exec, log));
    }
    if (record.created && failed) await attempt("Looking for causes", () => reportReach(record, exec, log));
    if (!record.cleanup) {
      await attempt("Removing the template's namespace", () => removeNamespace(record, runDirectory, exec, log));
      log.info(`cleanup: false: the cluster ${record.cluster} and its credentials stay`);
      return;
    }
    const { torch } = record;
    let torchRemoved = true;
    if (torch !== undefined) {
      torchRemoved = await attempt("Removing TORCH-V2", async () => {
        const count = await removeBoot(torch, record.failed, exec);
        if (count > 0) log.info(`Removed ${count} container(s) of TORCH-V2`);
      });
      await attempt("Removing empty files in TORCH-V2's folders", () => removeEmptyFiles(torch.placeholders));
      await attempt("Removing TORCH-V2's images", () => removeImages(torch.images, exec));
    }
    await attempt("Removing the credentials", () => removeCredentials(record));
    const deleted =
      !record.created ||
      (await attempt("Deleting the cluster", async () => {
        const names = await removeInterrupted(record.pending, () => removeOwnContainers(record, exec), exec);
        log.info(names.length === 0 ? "No container of this run is left" : `Deleted ${names.join(", ")}`);
      }));
    if (!torchRemoved && torch !== undefined) {
      log.warning(
        `Containers of TORCH-V2 may still be there. Remove them by hand: docker rm --force --volumes $(docker ps --all --quiet --filter label=${torch.label})`,
      );
    }
    if (!deleted) {
      // The record and the owner's folder are the proof of whose the containers are: a later post still needs them.
      await attempt("Removing the kubeconfigs", () => removeFiles(secretFiles(runDirectory)));
      log.warning(
        `The cluster ${record.cluster} may still be there. Delete it by hand: docker rm --force --volumes $(docker ps --all --quiet --filter label=${KIND_CLUSTER_LABEL}=${record.cluster})`,
      );
    }
    if (!deleted || !torchRemoved) return;
  }
  await attempt("Removing the run's folder", () => rm(runDirectory, { recursive: true, force: true }));
}

/** What removes things does not wait longer than this for what is collected before, in seconds. */
const COLLECT_SECONDS = 120;

/** A `run` whose commands all end at a time, given as `performance.now()` gives it; then none is started any more. */
export function limitRun(exec: Exec, end: number): Exec {
  return async (command) => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      const outcome = { exitCode: undefined, stdout: "", stderr: "" };
      throw new CommandError(`${command.purpose}: not done, because the time for it is over`, outcome);
    }
    return await exec({ ...command, timeoutSeconds: Math.min(command.timeoutSeconds, left) });
  };
}

/** Has what this run made secret kept out of what is said and collected, before it is removed. */
async function hideSecrets(record: JournalState | undefined, runDirectory: string): Promise<void> {
  const paths = [...secretFiles(runDirectory), ...(record?.credentialFiles ?? [])];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
  const keys = texts.flatMap((text) => [...text.matchAll(/client-key-data:\s*(\S+)/g)].map(([, data = ""]) => data));
  hide(
    ...texts.filter((text) => text.startsWith("-----BEGIN ") || !/[\s:]/.test(text.trim())).map((text) => text.trim()),
    ...keys.map((data) => Buffer.from(data, "base64").toString()),
    ...keys,
  );
}

async function collectLogs(
  record: JournalState,
  runDirectory: string,
  environment: NodeJS.ProcessEnv,
  exec: Exec,
  log: Log,
): Promise<void> {
  const own = selectOwn(await listClusterContainers(exec, record.cluster), record);
  // Beside the run's folder, which goes away: where no service takes the logs, they stay.
  record.logsFolder ??= await makeLogFolder(dirname(runDirectory), record.logsArtifactName);
  const path = record.logsFolder;
  writeRecord(runDirectory, record);
  const content = openLogFolder(path, [], record.failedLogs);
  const end = performance.now() + COLLECT_SECONDS * 1000;
  const limited = limitRun(exec, end);
  const isOver = () => performance.now() > end;
  let ofTorch = 0;
  try {
    for (const missing of await collectNodeLogs(own, content, limited))
      log.info(`Not all logs could be collected: ${missing}`);
    if (record.torch !== undefined) ofTorch = await collectTorchLogs(record.torch, content, limited, isOver);
  } catch (error) {
    log.warning(`Not all logs could be collected: ${describeError(error)}`);
  }
  if (isOver()) log.warning(`Collecting logs ended after ${COLLECT_SECONDS} s: not all of them could be collected`);
  if (own.length === 0 && ofTorch === 0 && !record.failedTries) {
    log.info("No container of this run is there to collect logs from");
    await rm(path, { recursive: true, force: true });
    return;
  }
  if (!hasArtifactService(environment)) {
    log.info(`The logs are in ${path} (no artifact service on this runner)`);
    return;
  }
  try {
    const artifact = await uploadArtifact(
      { name: record.logsArtifactName, content, retentionDays: record.artifactRetentionDays },
      environment,
    );
    await rm(path, { recursive: true, force: true });
    log.info(`The logs are in the artifact ${artifact.name}: ${artifact.url}`);
  } catch (error) {
    log.warning(`${describeError(error)} The logs stay in ${path}.`);
  }
}

/** After a failure, says whether pods reach the internet: a test that fails for want of it rarely says so. */
async function reportReach(record: JournalState, exec: Exec, log: Log): Promise<void> {
  const own = selectOwn(await listClusterContainers(exec, record.cluster), record);
  const nodes = own.map((container) => container.name).filter((name) => record.nodes.includes(name));
  const reach = await probeConnectivity(nodes, record.internetProbe, exec);
  const diagnosis = diagnoseInternet({ reach });
  if (diagnosis !== undefined) log.warning(`${diagnosis.cause} Fix: ${diagnosis.fix}.`);
  else if (reach !== undefined) log.info(describeReach(reach));
}

/** What pods reach where that is as it should be, or as this machine is. */
function describeReach({ probe, address, name, host }: Connectivity): string {
  const names =
    name === undefined ? "CoreDNS was not ready to be asked" : `${name ? "resolve" : "do not resolve"} ${probe.name}`;
  const itself = `this machine ${host.address ? "reaches" : "does not reach"} the one and ${host.name ? "resolves" : "does not resolve"} the other`;
  return `Pods ${address ? "reach" : "do not reach"} ${probe.address} and ${names}${address && name === true ? "" : ` (${itself})`}`;
}

/** A template's namespace that stays makes TORCH-V2's next check of the same template fail. */
async function removeNamespace(record: JournalState, runDirectory: string, exec: Exec, log: Log): Promise<void> {
  const { namespace, kubectl } = record;
  if (namespace === undefined || kubectl === undefined) return;
  const admin = createKubectl(kubectl, join(runDirectory, "kubeconfig"), join(runDirectory, "kubectl-cache"), exec);
  await admin(["delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s"], {
    purpose: `removing the namespace ${namespace}`,
    timeoutSeconds: 180,
  });
  log.info(`Removed the namespace ${namespace}`);
}

/** The files in a run's folder that open the cluster, the credentials apart. */
function secretFiles(runDirectory: string): readonly string[] {
  return [
    ...["kubeconfig", "kind.kubeconfig"].map((name) => join(runDirectory, name)),
    accountPasswordPath(runDirectory),
  ];
}

async function removeCredentials(record: JournalState): Promise<void> {
  await removeFiles(record.credentialFiles);
  // A folder that holds something else by now is somebody's, and stays.
  for (const folder of record.createdDirectories) await rmdir(folder).catch(() => undefined);
}
