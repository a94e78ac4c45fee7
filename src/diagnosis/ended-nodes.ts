import { constants } from "node:os";
import { readContainerState } from "../docker/container-state.ts";
import type { Exec } from "../exec.ts";

/** A node whose container has ended. */
export interface EndedNode {
  readonly name: string;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
}

/** Those of the nodes whose containers have ended: kind ends none, and starts none again. What cannot be seen has not. */
export async function findEndedNodes(
  nodes: readonly { readonly id: string; readonly name: string }[],
  exec: Exec,
): Promise<readonly EndedNode[]> {
  const found = await Promise.all(
    nodes.map(async ({ id, name }) => {
      const state = await readContainerState(id, exec).catch(() => undefined);
      if (state === undefined || !["exited", "dead"].includes(state.status)) return [];
      return [{ name, exitCode: state.exitCode, outOfMemory: state.outOfMemory }];
    }),
  );
  return found.flat();
}

/** What a shell and Docker add to the number of the signal that ended a program. */
const SIGNAL_BASE = 128;

/** Why a cluster cannot come up one of whose nodes has ended. */
export function describeEndedNodes(ended: readonly EndedNode[]): { readonly cause: string; readonly fix: string } {
  const nodes = ended.map(({ name, exitCode, outOfMemory }) => {
    const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - SIGNAL_BASE)?.[0];
    const why = [...(signal === undefined ? [] : [signal]), ...(outOfMemory ? ["out of memory"] : [])];
    return `${name} (exit code ${[exitCode, ...why].join(", ")})`;
  });
  return {
    cause: `The container of a node ended while the cluster was created: ${nodes.join(", ")}.`,
    fix: "find out what ends containers on this machine (docker events; dmesg, if it was the kernel for want of memory), or use a runner with more memory",
  };
}
