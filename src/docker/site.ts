import { readFile, realpath, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { array, nullish, object, record, string, unknown } from "valibot";
import { CommandError, type Exec } from "../exec.ts";
import { readJson } from "../values/json.ts";
import { docker, isMissing } from "./client.ts";
import { inspectContainers } from "./containers.ts";
import { readEndpoint } from "./endpoint.ts";

/** Where Docker Engine runs, seen from this step: that decides which ports and files the two share. */
export type EngineSite = { readonly kind: "this-machine" } | JobContainer | RemoteEngine;

/** This step runs in a container of the engine that it uses, as in a job with `container:`. */
export interface JobContainer {
  readonly kind: "container";
  readonly name: string;
  /** The id of the container whose network this step is in; `undefined` where that is the network of the engine's machine. */
  readonly networkOf: string | undefined;
  /** The networks that it is in already. */
  readonly networks: readonly string[];
  /** What is mounted in it: paths on the engine's machine and here. What is in memory has none there. */
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

/** The engine is on another machine, or in a container that this step is not in. */
export interface RemoteEngine {
  readonly kind: "remote";
  /** The name or address by which Docker's client reaches it. */
  readonly host: string;
}

const OPTIONS = { timeoutSeconds: 30, purpose: "finding out where Docker Engine runs" } as const;

/** Finds out where the engine of Docker's client runs. An engine that cannot be asked is reported where it is inspected. */
export async function findEngineSite(exec: Exec): Promise<EngineSite> {
  const mountTable = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const [container, host] = await Promise.all([findJobContainer(mountTable, exec), findRemoteHost(exec)]);
  if (container !== undefined) return container;
  if (host === undefined || (isLoopback(host) && (await hasEngineFiles(exec)))) return { kind: "this-machine" };
  return { kind: "remote", host };
}

/**
 * Whether an engine that is asked by TCP on this machine's own address keeps its data here. One in a container beside this one,
 * as runners on Kubernetes have it, shares the network but not the files; one in a service's container, whose port is
 * published here, neither. That one has a folder of the same path, and another machine's name.
 */
async function hasEngineFiles(exec: Exec): Promise<boolean> {
  try {
    const format = '{"name":{{json .Name}},"folder":{{json .DockerRootDir}}}';
    const { stdout } = await docker(["info", `--format=${format}`], OPTIONS, exec);
    const { name, folder } = readJson(object({ name: string(), folder: string() }), stdout);
    return name === hostname() && folder.startsWith("/") && (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * The id of the container that a process is in, by its table of mounts (proc(5)): Docker gives every container these files,
 * out of a folder with the container's id. A container that is started in this one's sight is not taken for it.
 */
export function findOwnId(mountTable: string): string | undefined {
  const own =
    /^\S+ \S+ \S+ \S*\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf) \/etc\/(?:hostname|hosts|resolv\.conf) /m;
  return own.exec(mountTable)?.[1];
}

const FORMAT =
  '{"name":{{json .Name}},"mode":{{json .HostConfig.NetworkMode}},"networks":{{json .NetworkSettings.Networks}},"mounts":{{json .Mounts}},"memory":{{json .HostConfig.Tmpfs}}}';
const INSPECTED = object({
  name: string(),
  mode: string(),
  networks: nullish(record(string(), unknown())),
  mounts: nullish(array(object({ Source: string(), Destination: string() }))),
  /** File systems in memory, by their place (`--tmpfs`). */
  memory: nullish(record(string(), string())),
});

/** The container that this step is in; `undefined` where the engine does not have it: then it is another engine's. */
export async function findJobContainer(mountTable: string, exec: Exec): Promise<JobContainer | undefined> {
  const id = findOwnId(mountTable);
  if (id === undefined) return undefined;
  const inspect = async (container: string) => {
    const [line = ""] = await inspectContainers([container], FORMAT, OPTIONS, exec);
    return readJson(INSPECTED, line);
  };
  try {
    const { name, mode, networks, mounts, memory } = await inspect(id);
    const networkOf = mode === "host" ? undefined : (/^container:(.+)$/.exec(mode)?.[1] ?? id);
    const joined = networkOf === undefined || networkOf === id ? networks : (await inspect(networkOf)).networks;
    return {
      kind: "container",
      name: name.replace(/^\//, ""),
      networkOf,
      networks: Object.keys(joined ?? {}),
      mounts: [
        ...(await ownMounts(mounts ?? [], mountTable)).map(({ Source, Destination }) => ({
          source: Source,
          destination: Destination,
        })),
        ...Object.keys(memory ?? {}).map((destination) => ({ source: "", destination })),
      ],
    };
  } catch (error) {
    if (isMissing("container", error) || error instanceof CommandError) return undefined;
    throw error;
  }
}

/** None where they are another container's, whose network, and so files such as /etc/hosts, this one has. */
async function ownMounts<T extends { readonly Destination: string }>(
  mounts: readonly T[],
  mountTable: string,
): Promise<readonly T[]> {
  // The kernel writes a space in a path as `\040`, and a path without links.
  const decode = (path = "") =>
    path.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
  const places = new Set(mountTable.split("\n").map((line) => decode(line.split(" ")[4])));
  const isMounted = async ({ Destination }: T) =>
    places.has(Destination) || places.has(await realpath(Destination).catch(() => Destination));
  const found = await Promise.all(mounts.map(isMounted));
  return found.includes(false) ? [] : mounts;
}

/** The host of an engine that is not asked through a socket of this machine. `DOCKER_HOST` wins over a context, as in Docker. */
async function findRemoteHost(exec: Exec): Promise<string | undefined> {
  try {
    return parseRemoteHost(await readEndpoint(exec));
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** The host in an engine's address (docs.docker.com, "docker" CLI reference); `undefined` for a socket of this machine. */
export function parseRemoteHost(endpoint: string): string | undefined {
  const [, authority] = /^(?:tcp|https?|ssh):\/\/([^/?#]*)/.exec(endpoint) ?? [];
  if (authority === undefined) return undefined;
  const url = `http://${authority}`;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, "") : "";
  return host === "" ? undefined : host;
}

/** Whether what is published on the engine's machine, on 127.0.0.1 too, is published here. */
export function sharesPorts(site: EngineSite): boolean {
  if (site.kind === "remote") return isLoopback(site.host);
  return site.kind === "this-machine" || site.networkOf === undefined;
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|::1|0\.0\.0\.0)$/.test(host);
}

/** The container that has to join a network for this step to reach the containers in it; `undefined`: none has to, or can. */
export function joiningContainer(site: EngineSite): string | undefined {
  return site.kind === "container" ? site.networkOf : undefined;
}

/** A port of a container: in the networks that the container is in, and where it is published on the engine's machine. */
export interface ContainerPort {
  readonly container: string;
  readonly port: number;
  readonly published: { readonly address: string; readonly port: number };
}

/** The host and the port by which this step reaches a container's port. */
export function reachPort(
  site: EngineSite,
  { container, port, published }: ContainerPort,
): { readonly host: string; readonly port: number } {
  if (joiningContainer(site) !== undefined) return { host: container, port };
  if (site.kind === "remote" && !isLoopback(site.host)) return { host: site.host, port: published.port };
  return { host: reachableHost(published.address), port: published.port };
}

/** The address at which a machine reaches its own port that is published on an address. */
function reachableHost(address: string): string {
  if (address === "::") return "::1";
  return address === "0.0.0.0" || address === "" ? "127.0.0.1" : address;
}
