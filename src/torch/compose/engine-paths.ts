import { enginePath } from "../../docker/engine-paths.ts";
import type { EngineSite, JobContainer } from "../../docker/site.ts";
import type { Problem } from "../../errors.ts";
import { printable } from "../../values/text.ts";
import type { ComposeModel, ComposeVolume } from "./model.ts";
import type { ResolvedMount } from "./mounts.ts";

/** A model whose services mount what they name, under its path on the engine's machine. */
export function withEnginePaths(model: ComposeModel, site: EngineSite): ComposeModel {
  if (site.kind === "this-machine") return model;
  const translate = (volume: ComposeVolume): ComposeVolume => {
    const source = volume.type === "bind" && volume.source !== undefined ? enginePath(site, volume.source) : undefined;
    return source === undefined ? volume : { ...volume, source };
  };
  const services = Object.entries(model.services).map(
    ([name, service]) => [name, { ...service, volumes: (service.volumes ?? []).map(translate) }] as const,
  );
  return { ...model, services: Object.fromEntries(services) };
}

/** Mounts that the engine's machine does not have, or has at a path that the compose file cannot be given. */
export function checkEnginePaths(mounts: readonly ResolvedMount[], site: EngineSite): readonly Problem[] {
  if (site.kind !== "container") return [];
  return mounts.flatMap((mount) => {
    const reason = findReason(mount, site);
    return reason === undefined ? [] : [describe(mount, reason)];
  });
}

function findReason({ path, source, links, ofService }: ResolvedMount, site: JobContainer): string | undefined {
  const there = enginePath(site, path);
  if (there === undefined) return `which is in the file system of this job's container, ${site.name}`;
  if (there === path && links.length === 0) return undefined;
  if (links.length > 0) return "which is reached through a link: Docker Engine would follow it on its own machine";
  return ofService
    ? undefined
    : `which is ${printable(there)} on the engine's machine: ${printable(source)} is another place there`;
}

function describe({ place, source }: ResolvedMount, reason: string): Problem {
  return {
    input: "torch",
    value: place,
    reason: `mounts ${printable(source)}, ${reason}`,
    allowed: "mounts of files in a volume of the job's container, such as the workspace, by a service",
    fix: "put what is mounted into the workspace, mount it with the service's volumes, or run the job without container",
  };
}
