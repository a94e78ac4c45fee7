import { join } from "node:path";
import type { ImageSettings } from "../../docker/images.ts";
import type { Problem } from "../../errors.ts";
import type { TorchInputs } from "../../inputs/torch.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import type { ComposeModel, ComposeService } from "../compose/model.ts";
import { findOwnKey } from "../compose/plan.ts";

/** Where the packages' caches are kept between runs. */
export interface PackageCachePlan {
  /** On the runner. */
  readonly folder: string;
  /** In it, the file that a cache is written to before it takes its name. */
  readonly draft: string;
  /** How large all caches together may get. */
  readonly maxBytes: number;
}

/** The cache of GitHub Actions has 10 GB for a whole repository. */
const MAX_BYTES = 2 * 1024 ** 3;

/** Plans where caches are kept; `undefined` where nobody asks for it. */
export function planPackageCache(folder: string | undefined, runId: string): PackageCachePlan | undefined {
  return folder === undefined ? undefined : { folder, draft: join(folder, `.${runId}.draft`), maxBytes: MAX_BYTES };
}

/** A folder for caches in the checkout, where containers and images would have it. */
export function checkCachePlace({
  packageCache: folder,
  source,
}: Pick<TorchInputs, "packageCache" | "source">): readonly Problem[] {
  if (folder === undefined || source.kind !== "folder" || !isWithinFolder(source.path, folder)) return [];
  return [
    {
      input: "torch-package-cache and torch",
      value: folder,
      reason: "is in TORCH-V2's checkout, where its images and containers find it and may change it",
      allowed: "a folder outside of the checkout",
      fix: "name a folder in the runner's temporary folder (runner.temp)",
    },
  ];
}

/** The folder of all caches in the dashboard's container: a volume of the run's own. */
export const CACHE_MOUNT = "/var/cache/torch-packages";

/** The programs that install packages when the dashboard's container starts. */
export const PACKAGE_TOOLS = ["composer", "npm", "pip"] as const;
export type PackageTool = (typeof PACKAGE_TOOLS)[number];

/** What is known of such a program. */
interface PackageToolFacts {
  /** What tells it where its cache is, with the value that it gets. */
  readonly variable: { readonly name: string; readonly value: string };
  /** The part of its cache that is kept, right below the mount: of npm's, neither the logs nor what npx has installed. */
  readonly kept: string;
  /** The names of variables by which a compose file or an image has chosen a cache already, or none. */
  readonly chosen: RegExp;
}

export const TOOL_FACTS: Readonly<Record<PackageTool, PackageToolFacts>> = {
  composer: {
    variable: { name: "COMPOSER_CACHE_DIR", value: `${CACHE_MOUNT}/composer` },
    kept: "composer",
    chosen: /^COMPOSER_CACHE_DIR$/,
  },
  // npm reads its variables in upper and lower case.
  npm: { variable: { name: "npm_config_cache", value: CACHE_MOUNT }, kept: "_cacache", chosen: /^npm_config_cache$/i },
  pip: {
    variable: { name: "PIP_CACHE_DIR", value: `${CACHE_MOUNT}/pip` },
    kept: "pip",
    chosen: /^PIP_(?:CACHE_DIR|NO_CACHE_DIR)$/,
  },
};

/** A dashboard's compose file with the caches, or why it has none. */
export interface OfferedCaches {
  readonly model: ComposeModel;
  /** The programs whose caches are in it. */
  readonly tools: readonly PackageTool[];
  /** What the log says about the others. */
  readonly notes: readonly string[];
}

/** What a dashboard is offered. */
export interface Offer {
  /** Whether npm need not ask the registry what it knows already: its cache is one of the same lock file. */
  readonly sameLock: boolean;
  /** Whether the volume is a second one, since what the first one had may be broken. */
  readonly another: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Gives the dashboard's own service a volume and the variables by which its programs find their caches in it. Where the
 * compose file or the image has chosen another place, that one holds.
 */
export function offerCaches(model: ComposeModel, image: ImageSettings, offer: Offer): OfferedCaches {
  const own = findOwnKey(model);
  const service = model.services[own] ?? {};
  const refused = refuseAll(service, image);
  if (refused !== undefined) return { model, tools: [], notes: [`The dashboard gets no package caches: ${refused}`] };
  const set = [...Object.keys(service.environment ?? {}), ...image.variables];
  const taken = (tool: PackageTool) => set.find((name) => TOOL_FACTS[tool].chosen.test(name));
  const tools = PACKAGE_TOOLS.filter((tool) => taken(tool) === undefined);
  const notes = PACKAGE_TOOLS.flatMap((tool) => {
    const name = taken(tool);
    return name === undefined
      ? []
      : [`${tool}'s cache is not kept: the dashboard's compose file or image sets ${name}`];
  });
  if (tools.length === 0) return { model, tools, notes };
  const key = chooseVolume(model, offer.another);
  const changed = {
    ...service,
    environment: { ...service.environment, ...variablesOf(tools, set, offer) },
    volumes: [...(service.volumes ?? []), { type: "volume", source: key, target: CACHE_MOUNT }],
  };
  return {
    model: {
      ...model,
      services: { ...model.services, [own]: changed },
      volumes: { ...model.volumes, [key]: { labels: offer.labels } },
    },
    tools,
    notes,
  };
}

function variablesOf(tools: readonly PackageTool[], set: readonly string[], { sameLock }: Offer) {
  const places = Object.fromEntries(
    tools.map((tool) => [TOOL_FACTS[tool].variable.name, TOOL_FACTS[tool].variable.value]),
  );
  const isChosen = set.some((name) => /^npm_config_prefer_o(?:ff|n)line$/i.test(name));
  // With a lock file of npm 6, a later npm asks for the description of each package again, whether it is in the cache or not.
  return sameLock && tools.includes("npm") && !isChosen ? { ...places, npm_config_prefer_offline: "true" } : places;
}

/** Why a dashboard gets no caches at all, if so. */
function refuseAll({ user, volumes = [] }: ComposeService, image: ImageSettings): string | undefined {
  const name = typeof user === "string" || typeof user === "number" ? `${user}` : image.user;
  // The volume is root's, and npm fails where it cannot write to its cache.
  if (!/^(?:(?:root|0)(?::.*)?)?$/.test(name)) return `its container runs as ${printable(name)}, not as root`;
  const mounted = volumes.find(({ target }) => target === CACHE_MOUNT || target.startsWith(`${CACHE_MOUNT}/`));
  return mounted === undefined ? undefined : `its compose file mounts ${printable(mounted.target)}`;
}

function chooseVolume({ volumes = {} }: ComposeModel, another: boolean): string {
  let key = another ? "torch-packages-2" : "torch-packages";
  while (key in volumes) key = `${key}-own`;
  return key;
}
