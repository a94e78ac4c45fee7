import { relative } from "node:path";
import type { Checkout } from "../checkout/checkout.ts";
import { COMPONENTS } from "../components.ts";
import { entriesOf, fieldOf, listOf, textOf } from "./fields.ts";
import type { ComposeModel } from "./model.ts";
import { listPowers, type Power } from "./privileges.ts";
import { readVolumeOptions } from "./volume-options.ts";

/** A folder or file of this machine that a compose file mounts into a container. */
export interface HostMount {
  /** The compose file, from the checkout's root, and what in it. */
  readonly place: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** Whether a service names it, and not a volume, a secret or a configuration of the compose file. */
  readonly ofService: boolean;
}

/** What a checkout's compose files ask of this machine. */
export interface HostAccess {
  readonly mounts: readonly HostMount[];
  /** What lets a container reach out to this machine, with the place of each. */
  readonly powers: readonly (Power & { readonly place: string })[];
}

/** Everything in the compose files of a checkout that reaches out of the containers. */
export function listHostAccess({ root, components }: Checkout): HostAccess {
  return join(
    Object.values(COMPONENTS).map(({ name }) => {
      const { composeFile, model } = components[name];
      return readHostAccess(relative(root, composeFile), model);
    }),
  );
}

/** The same of one compose file, as `docker compose config` prints it. */
export function readHostAccess(file: string, model: ComposeModel): HostAccess {
  const services = Object.entries(model.services).map(([name, service]): HostAccess => {
    const place = `${file}: services.${name}`;
    return {
      mounts: listOf(service.volumes).flatMap((volume) => readBindMount(place, volume)),
      powers: listPowers(service).map((power) => ({ place, ...power })),
    };
  });
  const volumes = entriesOf(model.volumes).map(([name, volume]): HostAccess => {
    const place = `${file}: volumes.${name}`;
    const read = readVolumeOptions(volume);
    if ("power" in read) return { mounts: [], powers: [{ place, power: read.power }] };
    const { source } = read;
    return { mounts: source === undefined ? [] : [{ place, source, readOnly: false, ofService: false }], powers: [] };
  });
  const files = ["secrets", "configs"].map(
    (section): HostAccess => ({
      mounts: entriesOf(model[section]).flatMap(([name, content]) => {
        const source = textOf(content, "file");
        return source === undefined
          ? []
          : [{ place: `${file}: ${section}.${name}`, source, readOnly: true, ofService: false }];
      }),
      powers: [],
    }),
  );
  return join([...services, ...volumes, ...files]);
}

function join(each: readonly HostAccess[]): HostAccess {
  return { mounts: each.flatMap(({ mounts }) => mounts), powers: each.flatMap(({ powers }) => powers) };
}

function readBindMount(place: string, volume: unknown): readonly HostMount[] {
  const source = textOf(volume, "source");
  if (textOf(volume, "type") !== "bind" || source === undefined) return [];
  // What is mounted below the folder on this machine stays writable if the mount says so.
  const recursive = textOf(fieldOf(volume, "bind"), "recursive");
  return [
    { place, source, readOnly: fieldOf(volume, "read_only") === true && recursive !== "writable", ofService: true },
  ];
}
