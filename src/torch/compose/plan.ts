import { withoutReservedLabels } from "../../docker/labels.ts";
import { KIND_NETWORK } from "../../docker/networks.ts";
import { usesImageOf } from "./build.ts";
import type { ComposeModel, ComposePort, ComposeService, ComposeVolume } from "./model.ts";
import { renameService } from "./rename.ts";
import type { FoundService } from "./service.ts";

/** What a run changes in a component's compose file. */
export interface Changes {
  /** The compose project: what compose makes is named after it. */
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
  /** The same, unless the compose file sets another value. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Files that are mounted read-only, one by one: source on the host, target in the container. */
  readonly files: readonly { readonly source: string; readonly target: string }[];
  readonly extraHosts: readonly string[];
}

/**
 * Makes the compose file of a run from the checkout's. An override file on top of it would not do: compose merges lists,
 * so a port published on every address, a fixed container name or a network shared with another run would stay. A new
 * file is written instead: nothing in it is built, published elsewhere than on 127.0.0.1, or shared.
 */
export function planCompose(found: FoundService, changes: Changes): ComposeModel {
  const { model, service: own } = found;
  const key = chooseKey(model, own, changes.container);
  const ownService = model.services[own] ?? {};
  const services = Object.entries(model.services).map(([name, original]): readonly [string, ComposeService] => {
    const service = renameService(original, own, key);
    const plain = planService(service, usesImageOf(ownService, service), changes);
    return name === own ? [key, planOwnService(service, plain, found, changes)] : [name, plain];
  });
  return {
    ...model,
    name: changes.project,
    services: Object.fromEntries(services),
    networks: {
      ...(hasHelpers(model) ? { default: { labels: changes.labels } } : {}),
      torch: { external: true, name: changes.network },
      ...(changes.joinsKind ? { kind: { external: true, name: KIND_NETWORK } } : {}),
    },
    volumes: planVolumes(model, changes),
  };
}

/** A service as every one of a run's is: without what a checkout may not decide, on the project's own network. */
function planService(service: ComposeService, usesOwnImage: boolean, { image, labels }: Changes): ComposeService {
  // Compose has selected by profiles, and read the files, already.
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
  // A helper in the network of another service has neither ports nor networks of its own.
  const shared = network_mode?.startsWith("service:") ? { network_mode } : undefined;
  return {
    ...kept,
    ...(usesOwnImage ? { image, pull_policy: "never" } : {}),
    labels: { ...withoutReservedLabels(service.labels ?? {}), ...labels },
    ...(shared ?? {
      ports: (service.ports ?? []).map(publishLocally),
      networks: { default: { aliases: container_name === undefined ? [] : [container_name] } },
    }),
  };
}

/** The component's own service: what every service becomes, with the run's image, name, addresses, files and networks. */
function planOwnService(
  service: ComposeService,
  plain: ComposeService,
  { model, service: name, port }: FoundService,
  changes: Changes,
): ComposeService {
  const { target, published, own } = port;
  const others = (service.ports ?? []).filter((mapping) => mapping.target !== target);
  const ownPort = { mode: "ingress", target, published: String(published), protocol: "tcp" };
  const targets = new Set(changes.files.map((file) => file.target));
  const volumes = (service.volumes ?? []).filter((volume) => !targets.has(volume.target));
  // On kind's network, where other clusters are, it has its container's name only; Docker adds a host name to that.
  const { hostname, domainname, ...anonymous } = plain;
  // The names by which the checkout's files may refer to it.
  const aliases = [...new Set([name, service.container_name ?? name])];
  return {
    ...(changes.joinsKind ? anonymous : plain),
    image: changes.image,
    pull_policy: "never",
    container_name: changes.container,
    environment: { ...changes.defaults, ...service.environment, ...changes.environment },
    ports: [...(own ? [ownPort] : []), ...others].map(publishLocally),
    volumes: [...volumes, ...changes.files.map(mountFile)],
    extra_hosts: [...(service.extra_hosts ?? []), ...changes.extraHosts],
    networks: {
      ...(hasHelpers(model) ? { default: { aliases } } : {}),
      torch: { aliases },
      ...(changes.joinsKind ? { kind: {} } : {}),
    },
  };
}

/** Volumes of the project's own: none is shared with another run. */
function planVolumes(model: ComposeModel, { labels }: Changes): NonNullable<ComposeModel["volumes"]> {
  const volumes = Object.entries(model.volumes ?? {}).map(([name, volume]) => {
    const { name: _, external, ...kept } = volume ?? {};
    return [name, { ...kept, labels }] as const;
  });
  return Object.fromEntries(volumes);
}

function hasHelpers({ services }: ComposeModel): boolean {
  return Object.keys(services).length > 1;
}

/**
 * The name of the component's own service in what is written: compose makes it an alias on every network, so it is the
 * container's name, and not one that the checkout chooses.
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

/** Puts another host into a URL and keeps its path; what is not a URL is replaced completely. */
export function redirectUrl(url: string | null | undefined, host: string, port: number): string {
  const text = url ?? "";
  const path = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text).pathname.replace(/\/+$/, "") : "";
  return `http://${host}:${port}${path}`;
}

function publishLocally(mapping: ComposePort): ComposePort {
  return { ...mapping, host_ip: "127.0.0.1" };
}

function mountFile({ source, target }: Changes["files"][number]): ComposeVolume {
  return { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
}
