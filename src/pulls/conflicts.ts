import { normalize } from "node:path/posix";
import type { UserConfiguration } from "../cluster/config/read.ts";
import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { Problem } from "../errors.ts";
import type { Host } from "../host/inspect.ts";
import { asList, isRecord } from "../values/data.ts";
import { isWithinFolder } from "../values/paths.ts";
import type { Catalog } from "../versions/catalog.ts";
import { CERTS_FOLDER, KUBELET_CREDENTIALS } from "./hosts.ts";
import type { PullPlan, RegistryPlan } from "./plan.ts";

/** What the kind configuration has, and an input sets as well. */
export function checkPullConfiguration(plan: PullPlan, user: UserConfiguration | undefined): readonly Problem[] {
  if (user === undefined) return [];
  const input = plan.registry === undefined ? "registry-mirrors" : "registry";
  const value = plan.registry === undefined ? (plan.mirrors[0]?.url ?? "") : "true";
  const writesHosts = plan.registry !== undefined || plan.mirrors.length > 0;
  return [
    ...(writesHosts ? checkMounts({ input, value, target: CERTS_FOLDER }, user) : []),
    ...(writesHosts ? checkContainerdPatches({ input, value }, user) : []),
    ...(plan.credentials === undefined
      ? []
      : checkMounts({ input: "pull-credentials", value: "***", target: KUBELET_CREDENTIALS }, user)),
  ];
}

type Setting = Pick<Problem, "input" | "value">;

/** Mounts at a place that an input mounts something at, below it or above it. */
function checkMounts(
  { target, ...setting }: Setting & { readonly target: string },
  user: UserConfiguration,
): readonly Problem[] {
  return user.nodes.flatMap(({ extraMounts }, index) =>
    asList(extraMounts).flatMap((mount, position) => {
      const path = isRecord(mount) && typeof mount.containerPath === "string" ? normalize(mount.containerPath) : "";
      if (!path.startsWith("/") || !(isWithinFolder(path, target) || isWithinFolder(target, path))) return [];
      const place = user.placeOf(["nodes", index, "extraMounts", position, "containerPath"]);
      return [contradiction(setting, `${place}, which mounts something on ${path}: this input uses ${target}`)];
    }),
  );
}

/** containerd does not start with `registry.mirrors` beside `config_path`, and reads no other folder than the patch's. */
function checkContainerdPatches(setting: Setting, { document, placeOf }: UserConfiguration): readonly Problem[] {
  return ["containerdConfigPatches", "containerdConfigPatchesJSON6902"].flatMap((field) =>
    asList(document[field]).flatMap((patch, index) => {
      const text = typeof patch === "string" ? patch : JSON.stringify(patch);
      const place = placeOf([field, index]);
      if (/registry[^=]{0,200}(?:mirrors|configs)/.test(text)) {
        return [
          contradiction(setting, `${place}, whose registry.mirrors or registry.configs containerd refuses beside it`),
        ];
      }
      if (!text.includes("config_path") || text.includes(CERTS_FOLDER)) return [];
      return [contradiction(setting, `${place}, which sets another config_path than ${CERTS_FOLDER}`)];
    }),
  );
}

function contradiction({ input, value }: Setting, theirs: string): Problem {
  return {
    input: `${input} and ${CONFIGURATION_INPUT}`,
    value,
    reason: `contradicts ${CONFIGURATION_INPUT}: ${theirs}`,
    allowed: "one of the two",
    fix: `remove ${input}, or remove it from the kind configuration`,
  };
}

/** A registry that no image is known for, or whose name is taken. */
export function checkRegistry(
  { container, address }: RegistryPlan,
  { names, catalog, plan }: { readonly names: Host["names"]; readonly catalog: Catalog; readonly plan: PullPlan },
): readonly Problem[] {
  const held = names.find(({ name }) => name === container.name);
  const mirrored = plan.mirrors.find(({ registry }) => registry === address);
  return [
    ...(catalog.registry === undefined ? [NO_IMAGE] : []),
    // An older one of a run of this Action: removed with its cluster, or else its port is in use.
    ...(held === undefined || held.registry === true
      ? []
      : [
          {
            input: "registry",
            value: "true",
            reason: `needs the container name ${held.name}, and another container has it (image ${held.image}, ${held.status})`,
            allowed: "a cluster-name with which that name is free on this machine",
            fix: `choose another cluster-name, or remove that container yourself (docker rm ${held.name})`,
          },
        ]),
    ...(mirrored === undefined
      ? []
      : [
          {
            input: "registry and registry-mirrors",
            value: `${mirrored.registry}=${mirrored.url}`,
            reason: "names a mirror of the registry that this step starts",
            allowed: "mirrors of other registries",
            fix: "remove that mirror, or choose another registry-port",
          },
        ]),
  ];
}

const NO_IMAGE: Problem = {
  input: "registry and catalog",
  value: "true",
  reason: "needs an image of a registry, and the catalog names none",
  allowed: "a catalog with a registry, such as registry:3.0.0@sha256:...",
  fix: "add registry to the catalog, or leave catalog out to use the built-in one",
};

/** The registry's port, which something on this machine listens on. */
export function describeRegistryPort({ port }: RegistryPlan): Problem {
  return {
    input: "registry-port",
    value: String(port.port),
    reason: `is already in use on this machine (${port.address})`,
    allowed: "a free port",
    fix: "choose another registry-port, or stop what uses it",
  };
}

/** Ports of the kind configuration that are the registry's too. */
export function checkRegistryPort(
  { port }: RegistryPlan,
  ports: readonly {
    readonly port: number;
    readonly protocol: string;
    readonly address: string;
    readonly source: string;
  }[],
  user: UserConfiguration | undefined,
): readonly Problem[] {
  if (user === undefined) return [];
  return ports
    .filter((each) => each.protocol === "tcp" && each.port === port.port)
    .filter(({ address }) => [port.address, "0.0.0.0"].includes(address))
    .map((each) => ({
      input: `registry-port and ${CONFIGURATION_INPUT}`,
      value: String(port.port),
      reason: `is asked for by ${user.placeOf(each.source.split("."))} too`,
      allowed: "a different port for each",
      fix: "choose another registry-port, or another port in the kind configuration",
    }));
}
