import { unknown } from "valibot";
import type { DockerOptions } from "../docker/client.ts";
import { readLogStreams } from "../docker/container-logs.ts";
import { execInContainer, inspectWholeContainer } from "../docker/containers.ts";
import { describeEngine } from "../docker/engine.ts";
import { describeError } from "../errors.ts";
import { CommandError, type Exec, type ExecResult } from "../exec.ts";
import { readJson } from "../values/json.ts";
import type { LogFolder } from "./folder.ts";

/** A container whose logs are collected, proved to be this run's. */
export interface OwnContainer {
  readonly id: string;
  readonly name: string;
}

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_POD_FILES = 300;
const MAX_POD_BYTES = 1024 * 1024;

/** How many pods' logs one command reads: in base64 not more than the output of one may be. */
const PODS_AT_ONCE = 20;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const MAX_LOG_LINES = 100_000;

/** What kind's own export has of a node, by the programs in it: the end of each. */
const IN_NODE: readonly (readonly [string, string])[] = [
  ["journal.log", "journalctl --no-pager"],
  ["kubelet.log", "journalctl --no-pager --unit=kubelet.service"],
  ["containerd.log", "journalctl --no-pager --unit=containerd.service"],
  ["images.log", "crictl images"],
  ["containers.log", "crictl ps --all"],
  ["kubernetes-version.txt", "cat /kind/version"],
];

/**
 * Each log of a pod's container as a line: its path and its end, both in base64. What a node prints is text of others:
 * nothing of it is unpacked, and no path in it is used as one.
 */
const POD_LOGS = `
cd /var/log/pods 2>/dev/null || exit 0
find . -type f -print0 | sort -z | tail -z -n "+$1" | head -z -n "$2" | while IFS= read -r -d '' file; do
  printf '%s %s\\n' "$(printf %s "$file" | base64 -w0)" "$(tail -c "$3" "$file" | base64 -w0)"
done`;

/**
 * Collects what this run's nodes say, as much as `kind export logs` does, each by its id. kind itself takes every container
 * with a label for a node, runs commands in it as a privileged user, and unpacks what it gets (kind's
 * pkg/cluster/internal/providers/docker/provider.go and pkg/cluster/internal/logs). What cannot be read is left out.
 * @returns what could not be read, a line each.
 */
export async function collectNodeLogs(
  nodes: readonly OwnContainer[],
  folder: LogFolder,
  exec: Exec,
): Promise<readonly string[]> {
  const missing: string[] = [];
  const attempt = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      // What others write may be too much, or not of the form that it should have, in more ways than one.
      missing.push(error instanceof CommandError ? error.message : describeError(error));
    }
  };
  await attempt(collectEngine(folder, exec));
  for (const node of nodes) {
    await attempt(collectInspection(node, folder, exec));
    await attempt(collectContainerLog(node, folder, exec));
    for (const [file, command] of IN_NODE) await attempt(collectOutput(node, { file, command }, folder, exec));
    await attempt(collectPodLogs(node, folder, exec));
  }
  return missing;
}

async function collectEngine(folder: LogFolder, exec: Exec): Promise<void> {
  const result = await describeEngine(limited("reading what Docker says of itself"), exec);
  await folder.keep(["docker-info.txt"], bothStreams(result));
}

async function collectInspection({ id, name }: OwnContainer, folder: LogFolder, exec: Exec): Promise<void> {
  const text = await inspectWholeContainer(id, limited(`inspecting ${name}`), exec);
  await folder.keepJson([name, "inspect.json"], readJson(unknown(), text));
}

async function collectContainerLog({ id, name }: OwnContainer, folder: LogFolder, exec: Exec): Promise<void> {
  const result = await readLogStreams(id, { tail: MAX_LOG_LINES }, limited(`reading the log of ${name}`), exec);
  await folder.keep([name, "serial.log"], bothStreams(result));
}

async function collectOutput(
  { id, name }: OwnContainer,
  { file, command }: { readonly file: string; readonly command: string },
  folder: LogFolder,
  exec: Exec,
): Promise<void> {
  const shell = ["bash", "-c", `${command} 2>&1 | tail -c ${MAX_BYTES}`];
  const result = await execInContainer(id, shell, limited(`reading ${file} of ${name}`), exec);
  await folder.keep([name, file], bothStreams(result));
}

async function collectPodLogs({ id, name }: OwnContainer, folder: LogFolder, exec: Exec): Promise<void> {
  for (let first = 1; first <= MAX_POD_FILES; first += PODS_AT_ONCE) {
    const shell = ["bash", "-c", POD_LOGS, "pods", ...[first, PODS_AT_ONCE, MAX_POD_BYTES].map(String)];
    const result = await execInContainer(id, shell, limited(`reading the pods' logs of ${name}`), exec);
    const logs = parsePodLogs(bothStreams(result));
    for (const { path, text } of logs) {
      await folder.keep([name, "pods", ...path.split("/").filter((each) => each !== "" && each !== ".")], text);
    }
    if (logs.length < PODS_AT_ONCE) break;
  }
}

/** Reads the lines of paths and texts in base64; what has another form is passed over. */
export function parsePodLogs(output: string): readonly { readonly path: string; readonly text: string }[] {
  return output.split("\n").flatMap((line) => {
    const [, path, text] = /^([A-Za-z0-9+/=]+) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
    if (path === undefined || text === undefined) return [];
    return [{ path: Buffer.from(path, "base64").toString(), text: Buffer.from(text, "base64").toString() }];
  });
}

function limited(purpose: string): DockerOptions {
  return { timeoutSeconds: 120, purpose, maxOutputBytes: MAX_OUTPUT_BYTES };
}

function bothStreams({ stdout, stderr }: ExecResult): string {
  return stdout + stderr.slice(-MAX_OUTPUT_BYTES);
}
