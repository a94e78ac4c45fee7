import { type ClusterContainer, listClusterContainers } from "../docker/cluster-containers.ts";
import { type HeldName, listHeldNames } from "../docker/containers.ts";
import { type DockerEngine, inspectEngine } from "../docker/engine.ts";
import { DEFAULT_NETWORK, type DockerNetwork, findNetwork, KIND_NETWORK } from "../docker/networks.ts";
import { type EngineSite, findEngineSite } from "../docker/site.ts";
import type { Exec } from "../exec.ts";
import { type FreeDisks, measureDisks } from "./disks.ts";
import { type InotifyValues, readLimits } from "./inotify.ts";

/** A subnet of one of Docker's networks. */
export interface DockerSubnet {
  readonly network: string;
  readonly subnet: string;
}

/** What Docker is and has on this machine. */
interface DockerFacts {
  readonly site: EngineSite;
  readonly engine: DockerEngine | Error;
  readonly containers: readonly ClusterContainer[];
  /** The names of all containers, a cluster's or not. */
  readonly names: readonly HeldName[];
  readonly kindGateway: string | undefined;
  readonly defaultGateway: string | undefined;
  /** The subnets of kind's network, if it exists, and of Docker's default one. */
  readonly subnets: readonly DockerSubnet[];
  readonly disks: FreeDisks;
}

/** What programs run on the machine. */
export interface Platform {
  readonly platform: string;
  /** Node's name for the processor, as the tool cache uses it (`x64`, `arm64`). */
  readonly nodeArchitecture: string;
  /** The name that kind's and kubectl's downloads use (`amd64`, `arm64`). */
  readonly architecture: string;
}

/** What the machine is, looked at without touching it: the plan depends on nothing else of it. */
export interface Host extends DockerFacts, Platform {
  readonly limits: InotifyValues;
}

/** Looks at the machine. Docker's absence is a finding, not an error: it is reported with all the rest. */
export async function inspectHost(exec: Exec): Promise<Host> {
  const [limits, docker] = await Promise.all([readLimits(), inspectDocker(exec)]);
  return { ...readPlatform(), limits: docker.site.kind === "remote" ? UNKNOWN_LIMITS : limits, ...docker };
}

export function readPlatform(): Platform {
  return {
    platform: process.platform,
    nodeArchitecture: process.arch,
    architecture: process.arch === "x64" ? "amd64" : process.arch,
  };
}

async function inspectDocker(exec: Exec): Promise<DockerFacts> {
  const located = findEngineSite(exec);
  try {
    const found = Promise.all([
      listClusterContainers(exec),
      listHeldNames(exec),
      findNetwork(KIND_NETWORK, exec),
      findNetwork(DEFAULT_NETWORK, exec),
    ]);
    // If the engine cannot be used, that is the error to report, not what else fails because of it.
    found.catch(() => undefined);
    const engine = await inspectEngine(exec);
    const [containers, names, kind, bridge] = await found;
    const site = await located;
    return {
      site,
      engine,
      containers,
      names,
      kindGateway: kind?.gateway,
      defaultGateway: bridge?.gateway,
      subnets: [...subnetsOf(KIND_NETWORK, kind), ...subnetsOf(DEFAULT_NETWORK, bridge)],
      disks: site.kind === "this-machine" ? await measureDisks(engine) : NO_DISKS,
    };
  } catch (error) {
    return { ...NOTHING_SEEN, site: await located, engine: error instanceof Error ? error : new Error(String(error)) };
  }
}

function subnetsOf(network: string, found: DockerNetwork | undefined): readonly DockerSubnet[] {
  return (found?.subnets ?? []).map((subnet) => ({ network, subnet }));
}

/** The limits of another machine: whatever they are, they are raised if they are too low. */
const UNKNOWN_LIMITS: InotifyValues = { "fs.inotify.max_user_watches": 0, "fs.inotify.max_user_instances": 0 };

/** The disks of another machine, which are not seen from here. */
const NO_DISKS: FreeDisks = { images: undefined, volumes: undefined };

/** What is known of an engine that cannot be used. */
const NOTHING_SEEN: Omit<DockerFacts, "engine" | "site"> = {
  containers: [],
  names: [],
  kindGateway: undefined,
  defaultGateway: undefined,
  subnets: [],
  disks: NO_DISKS,
};
