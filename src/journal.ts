import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { array, boolean, type InferOutput, number, object, optional, picklist, pipe, readonly, string } from "valibot";
import { errorCode } from "./errors.ts";
import { readJson } from "./values/json.ts";

const strings = pipe(array(string()), readonly());

const pendingContainer = object({ name: string(), image: string(), marks: strings });
const pendingContainers = pipe(array(pendingContainer), readonly());

const registryState = object({
  /** On the container: `name=value`. */
  label: string(),
  container: pendingContainer,
});

const loadBalancerState = object({
  /** On the provider and on each load balancer: `name=value`. */
  label: string(),
  /** The provider. */
  container: pendingContainer,
  /** Whether main has seen it serve. */
  served: optional(boolean()),
});

const torchState = object({
  /** On every container, volume and network: `name=value`. */
  label: string(),
  /** The containers that compose is asked to create. */
  containers: pendingContainers,
  images: strings,
  /** Files that Docker creates in mounted folders to mount the credential files on; removed where they are empty. */
  placeholders: strings,
  /** The file that the caches of packages are written to, one after the other; each takes another name when it is whole. */
  draft: optional(string()),
  /** The engine's address on this machine. */
  engineUrl: string(),
});

const namespaceState = object({
  name: string(),
  cluster: string(),
  /** The admin's kubeconfig. */
  kubeconfig: string(),
  /** The id of a control plane's container, if an earlier step made the cluster: without it the cluster is gone. */
  controlPlane: optional(string()),
});

const journalState = object({
  cluster: string(),
  nodes: strings,
  startedAt: string(),
  /** The process of main, which goes on where a runner cannot stop it: in a job's container. */
  main: optional(object({ pid: number(), start: string() })),
  /** The mount that this run's nodes have: the proof that they are this run's. */
  owner: object({ source: string(), destination: string() }),
  /** What joined networks so that the steps of its job reach the cluster: their own container. */
  joined: optional(object({ container: string(), networks: strings })),
  cleanup: boolean(),
  logs: picklist(["on-failure", "always", "never"]),
  logsArtifactName: string(),
  /** Where logs are collected, once some are: a folder that this run created. */
  logsFolder: optional(string()),
  artifactRetentionDays: number(),
  internetProbe: object({ name: string(), address: string(), port: number() }),
  /** Paths of the tools, once they are installed. */
  kind: optional(string()),
  kubectl: optional(string()),
  /** Files to remove, and the folders that the run creates for them, innermost first, to remove when they are empty. */
  credentialFiles: strings,
  createdDirectories: strings,
  /** Whether kind was asked to create the cluster. */
  created: boolean(),
  /** What kind was asked to create and has not reported as created: it may appear when nobody waits for it any more. */
  pending: pendingContainers,
  /** Whether a try to create it failed: its logs were kept. */
  failedTries: boolean(),
  /** The files of those logs. */
  failedLogs: strings,
  /** What post removes of TORCH-V2, once its boot begins. */
  torch: optional(torchState),
  /** The registry beside the cluster, once Docker is asked for it. */
  registry: optional(registryState),
  /** What gives Services their load balancers, once Docker is asked for it. */
  loadBalancer: optional(loadBalancerState),
  /** The namespaces of a template that TORCH-V2 was asked to deploy, in each of its clusters. */
  namespaces: optional(pipe(array(namespaceState), readonly())),
  /** The admin's kubeconfigs of clusters that earlier steps made. */
  kubeconfigs: optional(strings),
  /** True until main came to its end. */
  failed: boolean(),
});

/** What post needs to know. */
export type JournalState = Readonly<InferOutput<typeof journalState>>;

/** What a boot of TORCH-V2 creates on the machine. */
export type TorchState = Readonly<InferOutput<typeof torchState>>;

/** The namespace of a template in a cluster. */
export type NamespaceState = Readonly<InferOutput<typeof namespaceState>>;

/**
 * What a run does to the machine, on disk before it does it. It lies in the run's own folder; the runner's state holds
 * that folder's path only.
 */
export interface Journal {
  readonly state: JournalState;
  /** Changes the state, on disk first. */
  update(changes: Partial<JournalState>): void;
}

const FILE = "run.json";

/** Begins a journal in the run's folder. */
export function beginJournal(runFolder: string, state: JournalState): Journal {
  writeState(runFolder, state);
  return holdState(runFolder, state);
}

/** Opens the journal of a run that is over; `undefined` where the run never came so far. @throws where it cannot be read. */
export async function reopenJournal(runFolder: string): Promise<Journal | undefined> {
  try {
    return holdState(runFolder, readJson(journalState, await readFile(join(runFolder, FILE), "utf8")));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function holdState(runFolder: string, begin: JournalState): Journal {
  let state = begin;
  return {
    get state() {
      return state;
    },
    update(changes) {
      const next = { ...state, ...changes };
      writeState(runFolder, next);
      state = next;
    },
  };
}

/** Synchronous, so that nothing happens before it; a reader sees the old state or the new one, never half. */
function writeState(runFolder: string, state: JournalState): void {
  const draft = join(runFolder, `${FILE}.draft`);
  writeFileSync(draft, JSON.stringify(state, null, 1), { mode: 0o600 });
  renameSync(draft, join(runFolder, FILE));
}
