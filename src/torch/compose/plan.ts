import { withoutReservedLabels } from "../../docker/labels.ts";
import { KIND_NETWORK } from "../../docker/networks.ts";
import type { Issue } from "../../values/issue.ts";
import type { Component } from "../components.ts";

/** A compose file as `docker compose config --format json` gives it: what we change is typed, the rest goes through. */
export interface ComposeModel {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  readonly [other: string]: unknown;
}

/** A service of a compose file. */
export interface ComposeService {
  readonly image?: string;
  readonly container_name?: string;
  readonly build?: ComposeBuild;
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly ComposePort[];
  readonly volumes?: readonly ComposeVolume[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly extra_hosts?: readonly string[];
  readonly cpu_shares?: number;
  /** `linux/amd64`. */
  readonly platform?: string;
  readonly [other: string]: unknown;
}

/** How a compose file has an image built. */
export interface ComposeBuild {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly target?: string;
  readonly [other: string]: unknown;
}

interface ComposePort {
  readonly target: number;
  readonly published?: string;
  readonly [other: string]: unknown;
}

interface ComposeVolume {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  readonly [other: string]: unknown;
}

/** A component's port in its container and on the host. */
export interface ServicePort {
  readonly target: number;
  readonly published: number;
  /** Whether the component's own service publishes it, and not another one, such as a proxy. */
  readonly own: boolean;
}

/** A compose file, the component's own service in it, and its port. */
export interface FoundService {
  readonly model: ComposeModel;
  readonly service: string;
  readonly port: ServicePort;
}

/**
 * Finds the component's own service: the one that is built, else the one with the guide's image, else the one with the
 * guide's port. A proxy may publish that port for it.
 */
export function findService(model: ComposeModel, component: Component): FoundService | { readonly issue: Issue } {
  const services = Object.entries(model.services);
  const names = (matches: (service: ComposeService) => boolean) =>
    services.filter(([, service]) => matches(service)).map(([name]) => name);
  const built = names(({ build }) => build !== undefined);
  const imaged = names(({ image }) => image?.replace(/[:@].*$/, "") === component.image);
  const bestRank = Math.max(1, ...services.map(([, service]) => rankOf(service, component)));
  const ported = names((service) => rankOf(service, component) === bestRank);
  const refuse = (reason: string) => ({
    issue: {
      reason,
      allowed: `one service of the ${component.title}: with its build, its image ${component.image}, or its port ${component.hostPort}`,
      fix: "give that service, and no other one, its build in the compose file",
    },
  });
  if (built.length > 0 && imaged.length > 0 && !built.some((name) => imaged.includes(name))) {
    return refuse(`has ${built.join(", ")} to build, and the image ${component.image} at ${imaged.join(", ")}`);
  }
  const candidates = [built, imaged, ported].reduce<readonly string[]>(
    (left, evidence) => {
      const agreeing = left.filter((name) => evidence.includes(name));
      return agreeing.length > 0 ? agreeing : left;
    },
    services.map(([name]) => name),
  );
  const [service, ...others] = candidates;
  if (service === undefined || others.length > 0) {
    return refuse(
      `has not one service that is the ${component.title} (services: ${services.map(([name]) => name).join(", ")})`,
    );
  }
  return { model, service, port: findPort(model, service, component) };
}

/** How well a service's ports fit a component's: 3 is both, 2 the host's, 1 the container's, 0 neither. */
function rankOf({ ports = [] }: ComposeService, component: Component): number {
  return Math.max(0, ...ports.map((mapping) => rankMapping(mapping, component)));
}

function rankMapping(mapping: ComposePort, { hostPort, containerPort }: Component): number {
  return (firstPort(mapping) === hostPort ? 2 : 0) + (mapping.target === containerPort ? 1 : 0);
}

function findPort(model: ComposeModel, service: string, component: Component): ServicePort {
  const best = (ports: readonly ComposePort[]) =>
    ports.toSorted((a, b) => rankMapping(b, component) - rankMapping(a, component))[0];
  const own = best(model.services[service]?.ports ?? []);
  const target = own?.target ?? component.containerPort;
  const ownPort = own === undefined ? undefined : firstPort(own);
  if (ownPort !== undefined) return { target, published: ownPort, own: true };
  const published = Object.entries(model.services).some(
    ([name, { ports = [] }]) => name !== service && ports.some((port) => firstPort(port) === component.hostPort),
  );
  return { target, published: component.hostPort, own: !published };
}

/** What a component's compose file is changed by. */
export interface Changes {
  /** The compose project: what it makes is named after it. */
  readonly project: string;
  /** The container's name, by which other containers reach it on every network that it joins. */
  readonly container: string;
  readonly image: string;
  /** Put on everything that is made, so that it can be found and removed. */
  readonly labels: Readonly<Record<string, string>>;
  /** The network of the run's components, which exists already. */
  readonly network: string;
  /** Whether the component joins kind's network too. */
  readonly joinsKind: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** The same, where the compose file does not say otherwise. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Files that are mounted read-only, one by one: source on the host, target in the container. */
  readonly files: readonly { readonly source: string; readonly target: string }[];
  readonly extraHosts: readonly string[];
}

/**
 * Makes the compose file of a run from the checkout's. A stacked override could not: compose merges lists, so a port
 * published on every address, a fixed container name or a network shared with another run would stay. The whole is
 * written anew instead: nothing is built, published elsewhere than on 127.0.0.1, or shared.
 */
export function planCompose({ model, service: own, port }: FoundService, changes: Changes): ComposeModel {
  const { labels, files } = changes;
  const ownService = model.services[own] ?? {};
  const helped = Object.keys(model.services).length > 1;
  const key = chooseKey(model, own, changes.container);
  const services = Object.entries(model.services).map(([name, whole]) => {
    const service = renameService(whole, own, key);
    // Compose has chosen by profiles, and read the files, already.
    const {
      build,
      container_name,
      network_mode,
      external_links,
      profiles,
      env_file,
      label_file,
      extends: _,
      ...kept
    } = service;
    const names = container_name === undefined ? [] : [container_name];
    // A helper in another's network has neither ports nor networks of its own.
    const shared = network_mode?.startsWith("service:") ? { network_mode } : undefined;
    const plain: ComposeService = {
      ...kept,
      ...(usesImageOf(ownService, service) ? { image: changes.image, pull_policy: "never" } : {}),
      labels: { ...withoutReservedLabels(service.labels ?? {}), ...labels },
      ...(shared ?? {
        ports: (service.ports ?? []).map(publishLocally),
        networks: { default: { aliases: names } },
      }),
    };
    if (name !== own) return [name, plain];
    const { target, published } = port;
    const others = (service.ports ?? []).filter((mapping) => mapping.target !== target);
    const ownPort = { mode: "ingress", target, published: String(published), protocol: "tcp" };
    const targets = new Set(files.map((file) => file.target));
    // On kind's network, where other clusters are, it goes by its container's name alone; Docker makes a host name one too.
    const { hostname, domainname, ...anonymous } = plain;
    // The names by which the checkout's files may call it.
    const aliases = [...new Set([name, ...names])];
    const changed: ComposeService = {
      ...(changes.joinsKind ? anonymous : plain),
      image: changes.image,
      pull_policy: "never",
      container_name: changes.container,
      environment: { ...changes.defaults, ...service.environment, ...changes.environment },
      ports: [...(port.own ? [ownPort] : []), ...others].map(publishLocally),
      volumes: [...(service.volumes ?? []).filter((volume) => !targets.has(volume.target)), ...files.map(mountFile)],
      extra_hosts: [...(service.extra_hosts ?? []), ...changes.extraHosts],
      networks: {
        ...(helped ? { default: { aliases } } : {}),
        torch: { aliases },
        ...(changes.joinsKind ? { kind: {} } : {}),
      },
    };
    return [key, changed];
  });
  const volumes = Object.entries(model.volumes ?? {}).map(([name, volume]) => {
    const { name: _, external, ...kept } = volume ?? {};
    return [name, { ...kept, labels }];
  });
  return {
    ...model,
    name: changes.project,
    services: Object.fromEntries(services),
    networks: {
      ...(helped ? { default: { labels } } : {}),
      torch: { external: true, name: changes.network },
      ...(changes.joinsKind ? { kind: { external: true, name: KIND_NETWORK } } : {}),
    },
    volumes: Object.fromEntries(volumes),
  };
}

/**
 * The name of the component's own service in what is written: compose makes it an alias on every network, so it is the
 * container's, and not one that the checkout chooses.
 */
function chooseKey({ services }: ComposeModel, own: string, container: string): string {
  const helpers = new Set(Object.keys(services).filter((name) => name !== own));
  let key = container;
  while (helpers.has(key)) key = `${key}-own`;
  return key;
}

/** The component's own service in a compose file that `planCompose` made. */
export function findOwnKey({ services }: ComposeModel): string {
  const own = Object.entries(services).find(([, { container_name }]) => container_name !== undefined);
  if (own === undefined) throw new Error("The compose file has no service with a container's name.");
  return own[0];
}

/** A service that calls another one by its new name, wherever compose looks a service up by its name. */
function renameService(service: ComposeService, from: string, to: string): ComposeService {
  const follow = (value: unknown) => (value === `service:${from}` ? `service:${to}` : value);
  const { depends_on, links, volumes_from, network_mode, ipc, pid, ...kept } = service;
  const mode = network_mode === `service:${from}` ? `service:${to}` : network_mode;
  return {
    ...kept,
    ...(depends_on === undefined ? {} : { depends_on: renameDependencies(depends_on, from, to) }),
    ...(links === undefined ? {} : { links: renameEach(links, (name) => renameLink(name, from, to)) }),
    ...(volumes_from === undefined
      ? {}
      : { volumes_from: renameEach(volumes_from, (name) => renameSource(name, from, to)) }),
    ...(mode === undefined ? {} : { network_mode: mode }),
    ...(ipc === undefined ? {} : { ipc: follow(ipc) }),
    ...(pid === undefined ? {} : { pid: follow(pid) }),
  };
}

function renameDependencies(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return renameEach(value, (name) => (name === from ? to : name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, how]) => [name === from ? to : name, how]));
}

function renameEach(value: unknown, rename: (name: string) => string): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each: unknown) => (typeof each === "string" ? rename(each) : each));
}

/** `service` or `service:alias`: the name that the linking container knows stays the same. */
function renameLink(link: string, from: string, to: string): string {
  const [name, alias] = link.split(":");
  return name === from ? `${to}:${alias ?? from}` : link;
}

/** `service` or `service:ro`; `container:name` is not a service. */
function renameSource(source: string, from: string, to: string): string {
  if (source === from) return to;
  return source.startsWith(`${from}:`) && from !== "container" ? `${to}${source.slice(from.length)}` : source;
}

/** The names by which kind's nodes are reached, of any cluster. */
const NODE_NAME = /-(?:control-plane|worker)\d*$|-external-load-balancer$/i;

/** Whether a component would answer on a network that it shares in place of a cluster's node. */
export function checkServiceNames({ model, service }: Omit<FoundService, "port">): Issue | undefined {
  const names = [service, model.services[service]?.container_name ?? ""];
  const refused = [...new Set(names.filter((name) => NODE_NAME.test(name)))];
  if (refused.length === 0) return undefined;
  return {
    reason: `has the component's own service under a name that is one of kind's nodes: ${refused.join(", ")}`,
    allowed: "names that do not end in -control-plane, -worker or -external-load-balancer",
    fix: "rename the service, and its container_name, in the compose file",
  };
}

/** Enough to go on where processors are idle; next to nothing beside a control plane that comes up. */
export const YIELDING_SHARES = 16;

/** What starts seven JVMs against the clock, beside a cluster whose nodes have Docker's 1024 each. */
export const STARTING_SHARES = 4096;

/**
 * JVMs that live for minutes compile with the quick compiler alone, and collect garbage on one thread: engine and service
 * layer start with a fifth less of the processors, and the connectors are ready earlier before the broker looks for them.
 */
export const QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/** The same compose file with another weight for the processors of a service (Docker's `--cpu-shares`). */
export function withShares(model: ComposeModel, service: string, shares: number): ComposeModel {
  const changed = { ...model.services[service], cpu_shares: shares };
  return { ...model, services: { ...model.services, [service]: changed } };
}

/** The same compose file without a variable of a service, where it has the value that is given. */
export function withoutDefault(model: ComposeModel, service: string, name: string, value: string): ComposeModel {
  const own = model.services[service] ?? {};
  const kept = Object.entries(own.environment ?? {}).filter(([each, set]) => each !== name || set !== value);
  const changed = { ...own, environment: Object.fromEntries(kept) };
  return { ...model, services: { ...model.services, [service]: changed } };
}

/** Whether a helper runs in the component's own image, as a queue or a migration does. */
export function usesImageOf(own: ComposeService, helper: ComposeService): boolean {
  if (helper.build !== undefined) return own.build !== undefined && sameBuild(own.build, helper.build);
  return helper.image !== undefined && helper.image === own.image;
}

function sameBuild(a: ComposeBuild, b: ComposeBuild): boolean {
  return a.context === b.context && a.dockerfile === b.dockerfile && a.target === b.target;
}

/** What of a `build` is passed on, or means nothing for one run. */
const KNOWN_BUILD = [
  "context",
  "dockerfile",
  "args",
  "target",
  "labels",
  "tags",
  "cache_from",
  "cache_to",
  "pull",
  "no_cache",
];

/** What of a compose file's `build` sections cannot be kept: `undefined` where nothing is lost. */
export function checkBuilds({ model, service }: FoundService): Issue | undefined {
  const own = model.services[service] ?? {};
  const unknown = Object.keys(own.build ?? {}).filter((key) => !KNOWN_BUILD.includes(key));
  const helpers = Object.entries(model.services)
    .filter(([name, helper]) => name !== service && helper.build !== undefined && !usesImageOf(own, helper))
    .map(([name]) => name);
  if (unknown.length === 0 && helpers.length === 0) return undefined;
  return {
    reason:
      unknown.length > 0
        ? `has build options that are not passed on: ${unknown.join(", ")}`
        : `has helpers with an image of their own to build: ${helpers.join(", ")}`,
    allowed: `one image to build, with ${KNOWN_BUILD.slice(0, 4).join(", ")}`,
    fix: "put what is needed into the Dockerfile, or build the helper's image in an earlier step and name it with image",
  };
}

/** The host ports that a compose file publishes. */
export function listPublishedPorts({ model, port }: Omit<FoundService, "service">): readonly number[] {
  const all = Object.values(model.services).flatMap((service) => service.ports ?? []);
  // A range of ports (`7000-7010`) is Docker's to choose from.
  const fixed = all.map((mapping) => Number(mapping.published ?? 0)).filter(Number.isInteger);
  return [...new Set([port.published, ...fixed])].filter((published) => published > 0);
}

/** Puts another host into a URL and keeps its path; what is no URL is replaced whole. */
export function redirectUrl(url: string | null | undefined, host: string, port: number): string {
  const text = url ?? "";
  const path = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text).pathname.replace(/\/+$/, "") : "";
  return `http://${host}:${port}${path}`;
}

/** The host port of a mapping, of a range (`8000-8010`) the first; `undefined` where Docker chooses. */
function firstPort({ published }: ComposePort): number | undefined {
  const port = Number.parseInt(published ?? "", 10);
  return Number.isNaN(port) ? undefined : port;
}

function publishLocally(mapping: ComposePort): ComposePort {
  return { ...mapping, host_ip: "127.0.0.1" };
}

function mountFile({ source, target }: Changes["files"][number]): ComposeVolume {
  return { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
}
