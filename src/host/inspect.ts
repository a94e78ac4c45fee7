import { readFile, stat, statfs } from "node:fs/promises";
import { type ClusterContainer, type HeldName, listClusterContainers, listNames } from "../docker/containers.ts";
import { type DockerEngine, inspectEngine } from "../docker/engine.ts";
import { DEFAULT_NETWORK, type DockerNetwork, findNetwork, KIND_NETWORK } from "../docker/networks.ts";
import type { Exec } from "../exec.ts";
import type { FreeDisk, FreeDisks } from "./disks.ts";
import { type InotifyValues, readLimits } from "./inotify.ts";

/** A subnet of one of Docker's networks. */
export interface DockerSubnet {
  readonly network: string;
  readonly subnet: string;
}

/** What the machine is, looked at without touching it: the plan depends on nothing else of it. */
export interface Host {
  readonly platform: string;
  /** Node's name for the processor, as the tool cache uses it (`x64`, `arm64`). */
  readonly nodeArchitecture: string;
  /** The name that kind's and kubectl's downloads use (`amd64`, `arm64`). */
  readonly architecture: string;
  readonly engine: DockerEngine | Error;
  readonly containers: readonly ClusterContainer[];
  /** The names of all containers, a cluster's or not. */
  readonly names: readonly HeldName[];
  readonly kindGateway: string | undefined;
  readonly defaultGateway: string | undefined;
  /** The subnets of kind's network, where it is there, and of Docker's default one. */
  readonly subnets: readonly DockerSubnet[];
  readonly limits: InotifyValues;
  readonly disks: FreeDisks;
}

/** Looks at the machine. Docker's absence is a finding, not an error: it is reported with all the rest. */
export async function inspectHost(exec: Exec): Promise<Host> {
  const [limits, docker] = await Promise.all([readLimits(), surveyDocker(exec)]);
  return {
    platform: process.platform,
    nodeArchitecture: process.arch,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    limits,
    ...docker,
  };
}

async function surveyDocker(
  exec: Exec,
): Promise<Omit<Host, "platform" | "nodeArchitecture" | "architecture" | "limits">> {
  try {
    const found = Promise.all([
      listClusterContainers(exec),
      listNames(exec),
      findNetwork(KIND_NETWORK, exec),
      findNetwork(DEFAULT_NETWORK, exec),
    ]);
    // Where the engine is not to be had, that is what is said, not what else failed for it.
    found.catch(() => undefined);
    const engine = await inspectEngine(exec);
    const [containers, names, kind, bridge] = await found;
    const subnetsOf = (network: string, found: DockerNetwork | undefined) =>
      (found?.subnets ?? []).map((subnet) => ({ network, subnet }));
    return {
      engine,
      containers,
      names,
      kindGateway: kind?.gateway,
      defaultGateway: bridge?.gateway,
      subnets: [...subnetsOf(KIND_NETWORK, kind), ...subnetsOf(DEFAULT_NETWORK, bridge)],
      disks: await measureDisks(engine, process.env),
    };
  } catch (error) {
    const engine = error instanceof Error ? error : new Error(String(error));
    return { ...UNSEEN, engine };
  }
}

/** What is known of an engine that is not to be had. */
const UNSEEN = {
  containers: [],
  names: [],
  kindGateway: undefined,
  defaultGateway: undefined,
  subnets: [],
  disks: { images: undefined, volumes: undefined },
} as const;

/** Measures the disks of an engine; those of another machine's are not seen from here. */
export async function measureDisks(
  { dataRoot, imageStore }: Pick<DockerEngine, "dataRoot" | "imageStore">,
  environment: NodeJS.ProcessEnv,
): Promise<FreeDisks> {
  if (!isLocalEngine(environment)) return { images: undefined, volumes: undefined };
  if (imageStore === undefined || imageStore === "") return { images: await measureFree(dataRoot), volumes: undefined };
  const configuration = await readFile(CONTAINERD_CONFIGURATION, "utf8").catch(() => "");
  const imageRoot = readContainerdRoot(configuration);
  const [images, volumes] = await Promise.all([measureFree(imageRoot), measureFree(dataRoot)]);
  return { images, volumes: (await isSameDisk(imageRoot, dataRoot)) ? undefined : volumes };
}

/** Whether Docker's client asks an engine of this machine, by its variable (docs.docker.com, "docker" CLI reference). */
function isLocalEngine({ DOCKER_HOST = "" }: NodeJS.ProcessEnv): boolean {
  return DOCKER_HOST === "" || DOCKER_HOST.startsWith("unix://");
}

async function isSameDisk(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((folder) => stat(folder).catch(() => undefined)));
  return one !== undefined && one.dev === other?.dev;
}

const CONTAINERD_CONFIGURATION = "/etc/containerd/config.toml";

/** Where a containerd keeps its data, from its configuration: a key before the first table (containerd-config.toml(5)). */
export function readContainerdRoot(configuration: string): string {
  const [top = ""] = configuration.split(/^\s*\[/m);
  return /^\s*root\s*=\s*["']([^"'\n]+)["']/m.exec(top)?.[1] ?? "/var/lib/containerd";
}

async function measureFree(folder: string): Promise<FreeDisk | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { folder, bytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
