import { readLogStreams } from "../docker/container-logs.ts";
import { execInContainer } from "../docker/containers.ts";
import { CommandError, type Exec, type ExecResult } from "../exec.ts";
import { type InotifyValues, readLimits } from "../host/inotify.ts";
import type { HostPort } from "../host/ports.ts";
import { type EndedNode, findEndedNodes } from "./ended-nodes.ts";

/** What was seen after a cluster did not come up: what a cause is named from. */
export interface Symptoms {
  /** What kind or kubectl ended with. */
  readonly error: string;
  /** That, and what the nodes said. */
  readonly words: string;
  readonly limits: InotifyValues;
  /** The ports of this machine that the user named; any other was chosen because it was free. */
  readonly ports: readonly HostPort[];
  /** The nodes whose containers have ended. */
  readonly ended?: readonly EndedNode[];
}

/** Collects the symptoms of a cluster that failed. What cannot be seen is left out: a diagnosis must not fail a run. */
export async function collectSymptoms(
  facts: { readonly nodes: readonly string[]; readonly error: string; readonly ports: readonly HostPort[] },
  exec: Exec,
): Promise<Symptoms> {
  const [limits, ended, logs] = await Promise.all([
    readLimits(),
    findEndedNodes(
      facts.nodes.map((name) => ({ id: name, name })),
      exec,
    ),
    Promise.all(facts.nodes.map((node) => readNodeWords(node, exec))),
  ]);
  return { error: facts.error, words: [facts.error, ...logs].join("\n"), limits, ports: facts.ports, ended };
}

async function readNodeWords(node: string, exec: Exec): Promise<string> {
  const options = { timeoutSeconds: 30, purpose: `reading the log of ${node}` };
  const journalctl = ["journalctl", "--no-pager", "--lines=400", "--priority=warning"];
  const [container, journal] = await Promise.all([
    wordsOf(readLogStreams(node, { tail: 200 }, options, exec)),
    wordsOf(execInContainer(node, journalctl, options, exec)),
  ]);
  return `${container}\n${journal}`;
}

/** What a command wrote, whether it failed or not. */
async function wordsOf(command: Promise<ExecResult>): Promise<string> {
  try {
    const { stdout, stderr } = await command;
    return stdout + stderr;
  } catch (error) {
    return error instanceof CommandError ? error.stdout + error.stderr : "";
  }
}
