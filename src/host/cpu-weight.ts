import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspectContainers, setShares } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";

/** The weight of a control group for which none was set: Linux, Documentation/admin-guide/cgroup-v2.rst. */
const DEFAULT_WEIGHT = 100;

/**
 * Docker's shares that restore the default. Its own default cannot be set: Docker takes 0 for "leave it" (moby,
 * daemon/container/container_unix.go), and runc too. On cgroup v1 it is 1024. On v2 runtimes convert it: to 100 since
 * cgroups 0.0.3, and linearly before, where 2598 is the least that gives 100 (opencontainers/cgroups, utils.go).
 */
const DEFAULT_SHARES = [1024, 2598] as const;

/** Gives a container back the default weight for the processors. */
export async function restoreDefaultWeight(container: string, exec: Exec): Promise<void> {
  for (const shares of DEFAULT_SHARES) {
    await setShares(container, shares, exec);
    const weight = await readWeight(container, exec);
    // It cannot be seen with cgroup v1, or if the engine is on another machine.
    if (weight === undefined || weight === DEFAULT_WEIGHT) return;
  }
}

/** What the kernel has as a container's weight; `undefined` if that cannot be seen. */
async function readWeight(container: string, exec: Exec): Promise<number | undefined> {
  const options = { timeoutSeconds: 30, purpose: `looking for the control group of ${container}` };
  const [found = ""] = await inspectContainers([container], "{{.Id}} {{.State.Pid}}", options, exec);
  const [id = "", pid = ""] = found.trim().split(" ");
  const groups = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
  const group = findGroup(groups, id);
  if (group === undefined) return undefined;
  const text = await readFile(join("/sys/fs/cgroup", group, "cpu.weight"), "utf8").catch(() => "");
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

/**
 * A container's own group on cgroup v2, from a process' `/proc/PID/cgroup`: the part that has the container's id
 * (`docker-ID.scope` or `ID`), for an init in the container makes groups of its own below.
 */
export function findGroup(groups: string, id: string): string | undefined {
  const unified = groups.split("\n").find((line) => line.startsWith("0::/"));
  if (unified === undefined || id === "") return undefined;
  const parts = unified.slice("0::".length).split("/");
  const index = parts.findIndex((part) => part === id || part.endsWith(`-${id}.scope`));
  return index < 0 ? undefined : parts.slice(0, index + 1).join("/");
}
