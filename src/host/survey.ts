import { statfs } from "node:fs/promises";
import type { Run } from "../process.ts";
import {
  type ClusterContainer,
  DEFAULT_NETWORK,
  type DockerEngine,
  findGateway,
  inspectEngine,
  KIND_NETWORK,
  listClusterContainers,
} from "./docker.ts";
import { type InotifyValues, readLimits } from "./limits.ts";

/** What the machine is, looked at without touching it: the plan depends on nothing else of it. */
export interface Survey {
  readonly platform: string;
  /** Node's name for the processor, as the tool cache uses it (`x64`, `arm64`). */
  readonly nodeArchitecture: string;
  /** The name that kind's and kubectl's downloads use (`amd64`, `arm64`). */
  readonly architecture: string;
  readonly engine: DockerEngine | Error;
  readonly containers: readonly ClusterContainer[];
  readonly kindGateway: string | undefined;
  readonly defaultGateway: string | undefined;
  readonly limits: InotifyValues;
  /** Free bytes where Docker keeps its images; `undefined` where that cannot be seen. */
  readonly freeDisk: number | undefined;
}

/** Looks at the machine. Docker's absence is a finding, not an error: it is reported with all the rest. */
export async function surveyMachine(run: Run): Promise<Survey> {
  const [limits, docker] = await Promise.all([readLimits(), surveyDocker(run)]);
  return {
    platform: process.platform,
    nodeArchitecture: process.arch,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    limits,
    ...docker,
  };
}

async function surveyDocker(
  run: Run,
): Promise<Pick<Survey, "engine" | "containers" | "kindGateway" | "defaultGateway" | "freeDisk">> {
  try {
    const found = Promise.all([
      listClusterContainers(run),
      findGateway(KIND_NETWORK, run),
      findGateway(DEFAULT_NETWORK, run),
    ]);
    // Where the engine is not to be had, that is what is told, not what else failed for it.
    found.catch(() => undefined);
    const engine = await inspectEngine(run);
    const [containers, kindGateway, defaultGateway] = await found;
    return { engine, containers, kindGateway, defaultGateway, freeDisk: await freeBytes(engine.dataRoot) };
  } catch (error) {
    const engine = error instanceof Error ? error : new Error(String(error));
    return { engine, containers: [], kindGateway: undefined, defaultGateway: undefined, freeDisk: undefined };
  }
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
