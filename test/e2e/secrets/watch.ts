import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { asRoot } from "../../privileges.ts";
import { sh } from "../harness.ts";

/** A process as it was seen. */
export interface SeenProcess {
  readonly command: string;
  readonly environment: string;
}

/** What was seen while something ran. */
export interface Seen {
  readonly processes: readonly SeenProcess[];
  /** Docker's events: what is made and what is run in it, with labels and command lines. */
  readonly events: readonly string[];
  /** What Docker says of each container, as soon as it is there. */
  readonly inspected: readonly string[];
}

const INSPECT_MILLISECONDS = 700;

/** Begins to look at all processes of this machine and at all that Docker makes. @returns what ends it. */
export function watchMachine(): () => Promise<Seen> {
  const [file, args] = asRoot(process.execPath, [join(import.meta.dirname, "sample-processes.ts")]);
  const processes = linesOf(spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] }));
  const events = linesOf(spawn("docker", ["events", "--format={{json .}}"], { stdio: ["ignore", "pipe", "inherit"] }));
  const inspected: string[] = [];
  const known = new Set<string>();
  let over = false;
  const inspecting = (async () => {
    while (!over) {
      const ids = (await sh("docker", ["ps", "--all", "--quiet", "--no-trunc"])).split("\n");
      for (const id of ids.filter((each) => each !== "" && !known.has(each))) {
        known.add(id);
        // One that is gone again is in the events.
        inspected.push(await sh("docker", ["inspect", id]).catch(() => ""));
      }
      await sleep(INSPECT_MILLISECONDS);
    }
  })();
  return async () => {
    over = true;
    await inspecting;
    await Promise.all([processes.end(), events.end()]);
    return { processes: processes.lines.map((line) => JSON.parse(line)), events: events.lines, inspected };
  };
}

function linesOf(child: ChildProcess) {
  const lines: string[] = [];
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = new Promise((resolve) => child.once("close", resolve));
  return {
    lines,
    end: async () => {
      if (child.stdin === null) child.kill();
      else child.stdin.end();
      await ended;
    },
  };
}

/** What Docker says of everything that it has, and what its containers have written. */
export async function inspectDocker(): Promise<readonly { readonly place: string; readonly text: string }[]> {
  const list = async (...args: readonly string[]) =>
    (await sh("docker", args)).split("\n").filter((line) => line !== "");
  const ids = {
    container: await list("ps", "--all", "--quiet"),
    image: [...new Set(await list("images", "--quiet", "--no-trunc"))],
    network: await list("network", "ls", "--quiet"),
    volume: await list("volume", "ls", "--quiet"),
  };
  const inspected = Object.entries(ids).map(async ([kind, all]) => ({
    place: `docker ${kind} inspect`,
    text: all.length === 0 ? "" : await sh("docker", [kind, "inspect", ...all]),
  }));
  const logs = ids.container.map(async (id) => ({
    place: `docker logs ${id}`,
    text: await sh("sh", ["-c", 'docker logs "$1" 2>&1', "sh", id]),
  }));
  return await Promise.all([...inspected, ...logs]);
}
