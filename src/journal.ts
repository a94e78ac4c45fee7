import { renameSync, writeFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PendingContainer } from "./docker/interrupted.ts";

/**
 * What post needs to know, written before the effect that it would have to undo. It lies in the run's own folder;
 * the runner's state holds that folder's path alone.
 */
export interface JournalState {
  readonly cluster: string;
  readonly nodes: readonly string[];
  readonly startedAt: string;
  /** The folder that this run's nodes carry as a mount: the proof that they are this run's. */
  readonly owner: string;
  readonly cleanup: boolean;
  readonly logs: "on-failure" | "always" | "never";
  readonly logsArtifactName: string;
  /** Where logs are collected, once some are: a folder that this run made. */
  logsFolder: string | undefined;
  readonly artifactRetentionDays: number;
  readonly internetProbe: { readonly name: string; readonly address: string; readonly port: number };
  /** kind's path, once it is installed. */
  kind: string | undefined;
  /** Files to remove, and the folders that the run makes for them, innermost first, to remove when they are empty. */
  readonly credentialFiles: readonly string[];
  readonly createdDirectories: readonly string[];
  /** Whether kind was told to create the cluster. */
  created: boolean;
  /** What kind was asked to make and has not reported as made: it may appear when nobody waits for it any more. */
  pending: readonly PendingContainer[];
  /** Whether a try to create it failed: its logs were kept. */
  failedTries: boolean;
  /** The files of those logs. */
  failedLogs: readonly string[];
  /** What post removes of TORCH-V2, once its boot begins. */
  torch: TorchRecord | undefined;
  /** The namespace of a template that TORCH-V2 was told to deploy. */
  namespace: string | undefined;
  kubectl: string | undefined;
  /** True until main came to its end. */
  failed: boolean;
}

/** What a boot of TORCH-V2 makes on the machine. */
export interface TorchRecord {
  /** On every container, volume and network: `name=value`. */
  readonly label: string;
  /** The containers that compose is asked to make. */
  readonly containers: readonly PendingContainer[];
  readonly images: readonly string[];
  /** Files that Docker makes in mounted folders to mount the credential files on; removed where they are empty. */
  readonly placeholders: readonly string[];
  /** The engine's address on this machine. */
  readonly engineUrl: string;
}

const FILE = "run.json";

/** Creates the run's folder, for its owner alone. @throws where it is there already: somebody prepared it. */
export async function makeRunDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await mkdir(join(path, "owner"), { mode: 0o700 });
}

/** Writes the record; a reader sees the old one or the new one, never half. */
export function writeRecord(directory: string, record: JournalState): void {
  const draft = join(directory, `${FILE}.draft`);
  // Synchronous: what is about to be made is on record before it is made.
  writeFileSync(draft, JSON.stringify(record, null, 1), { mode: 0o600 });
  renameSync(draft, join(directory, FILE));
}

/** Reads the record; `undefined` where the run never came so far. */
export async function readRecord(directory: string): Promise<JournalState | undefined> {
  try {
    const record: JournalState = JSON.parse(await readFile(join(directory, FILE), "utf8"));
    return record;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
