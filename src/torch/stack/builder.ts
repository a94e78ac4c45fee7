import { createHash } from "node:crypto";
import { basename, relative } from "node:path";
import { findBuilderDriver } from "../../docker/buildx.ts";
import { describeError, type Problem } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { BuildSource } from "../checkout/checkout.ts";
import type { Component } from "../components.ts";

/** How images are built on this machine. */
export interface Builder {
  /** Its name, where it is not the one in use. */
  readonly name?: string;
  /** Whether layers can be kept in the cache of GitHub Actions: only a builder outside of the engine exports a cache. */
  readonly exportsCache: boolean;
  /** Whether the job may read that cache and not write it. */
  readonly readOnly: boolean;
  /** Why layers are not kept, where the builder could. */
  readonly hint: string | undefined;
  /** The variables that buildx needs for that cache; they hold a secret. */
  readonly cacheAccess: Readonly<Record<string, string>>;
  /** The platform that the job builds for, if it is not the machine's. `buildx build` would read it by itself. */
  readonly platform: string | undefined;
}

/** The variables with which the runner gives a step access to its cache service (docker/buildx, cache backend gha). */
const CACHE_VARIABLES = [
  "ACTIONS_RUNTIME_TOKEN",
  "ACTIONS_RESULTS_URL",
  "ACTIONS_CACHE_URL",
  "ACTIONS_CACHE_SERVICE_V2",
] as const;

/** Why a builder that can keep layers between runs has nowhere to keep them. */
function hintOf(mode: string, reachable: boolean): string | undefined {
  const why = reachable
    ? "this job may not use the cache (ACTIONS_CACHE_MODE is none)"
    : "this runner gives steps no cache";
  return reachable && mode !== "none" ? undefined : `Images: the builder could keep layers between runs, but ${why}`;
}

/** Inspects the machine's builder, which must be BuildKit. */
export async function findBuilder(environment: NodeJS.ProcessEnv, exec: Exec): Promise<Builder | Problem> {
  const cacheAccess = Object.fromEntries(
    CACHE_VARIABLES.flatMap((name) => {
      const value = environment[name] ?? "";
      return value === "" ? [] : [[name, value]];
    }),
  );
  try {
    const driver = await findBuilderDriver({ timeoutSeconds: 60, purpose: "looking at the builder" }, exec);
    const able = driver !== undefined && driver !== "docker";
    const mode = environment.ACTIONS_CACHE_MODE ?? "";
    const hint = hintOf(mode, "ACTIONS_RUNTIME_TOKEN" in cacheAccess);
    return {
      exportsCache: able && hint === undefined,
      readOnly: mode === "read",
      hint: able ? hint : undefined,
      cacheAccess,
      platform: environment.DOCKER_DEFAULT_PLATFORM || undefined,
    };
  } catch (error) {
    return {
      input: "runs-on",
      value: "docker buildx",
      reason: `is missing, and TORCH-V2's images are built with it (${describeError(error)})`,
      allowed: "a runner with the buildx plugin",
      fix: "use a runner such as ubuntu-latest, or install docker-buildx-plugin",
    };
  }
}

/** How `docker buildx bake` is called to build an image. */
export interface BuildCommand {
  readonly args: readonly string[];
  /** The definition of the build, with what a compose file says: JSON for buildx bake's `--file`. */
  readonly definition: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const TARGET = "image";

/** Settings of buildx, so that neither the rest of the environment nor a checkout changes what is built. */
const BUILDX_SETTINGS = {
  // Without this, buildx reads only below its working directory. The contexts have been checked.
  BUILDX_BAKE_ENTITLEMENTS_FS: "0",
  BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP: "1",
  BUILDX_BAKE_FILE_RELATIVE_PATHS: "0",
  // Without these, buildx runs git in the context, and a folder there that looks like a repository can name programs for it.
  BUILDX_GIT_INFO: "0",
  BUILDX_GIT_LABELS: "0",
};

/** For how long BuildKit asks again where the cache has too many requests, or no room. */
const RETRY_SECONDS = 20;

/**
 * The name of an image's list of layers in the cache. Each list takes the place of the last one, so that images that are
 * built otherwise (another target, other arguments, as examples have them) must not have one in common. Branches are kept
 * apart by GitHub, and what their lists name is kept once.
 */
export function planScope(build: BuildSource, component: Component, { platform }: Builder): string {
  const { context, dockerfile, args, target } = build;
  const given = [basename(context), relative(context, dockerfile), Object.entries(args).toSorted(), target, platform];
  const digest = createHash("sha256").update(JSON.stringify(given)).digest("hex");
  return `kind-torch-${component.name}-${digest.slice(0, 12)}`;
}

/**
 * Plans how an image is built. What a compose file says goes into a file, neither into the environment of `docker` nor into
 * the list of processes. It holds no credentials of the cluster.
 */
export function planBuild({ build, image, component }: ImageRequest, builder: Builder): BuildCommand {
  const place = `type=gha,scope=${planScope(build, component, builder)},timeout=${RETRY_SECONDS}s`;
  // A cache that cannot be written only makes the next run slower.
  const cacheTo = builder.readOnly ? {} : { "cache-to": [`${place},mode=max,ignore-error=true`] };
  const cache = { "cache-from": [place], ...cacheTo };
  const target = {
    args: Object.fromEntries(Object.entries(build.args).map((entry) => entry.map(quoteTemplate))),
    tags: [image],
    ...(build.target === undefined ? {} : { target: quoteTemplate(build.target) }),
    ...(builder.exportsCache ? cache : {}),
  };
  return {
    args: [
      ...(builder.name === undefined ? [] : [`--builder=${builder.name}`]),
      "--progress=plain",
      "--load",
      "--provenance=false",
      // Paths are bytes, but buildx normalizes the text of a definition (Unicode's NFC).
      `--set=${TARGET}.context=${build.context}`,
      `--set=${TARGET}.dockerfile=${build.dockerfile}`,
      ...(builder.platform === undefined ? [] : [`--set=${TARGET}.platform=${builder.platform}`]),
      TARGET,
    ],
    definition: JSON.stringify({ target: { [TARGET]: target } }),
    // Not in a checkout: buildx reads a .env file in its working directory.
    cwd: "/",
    env: { ...BUILDX_SETTINGS, ...(builder.exportsCache ? builder.cacheAccess : {}) },
  };
}

/**
 * Quotes text for a definition, of which buildx reads each string and each name as a template: as one literal in which all
 * but plain characters are numbers. To escape `${` is not enough: buildx reads it wrongly after a bare CR.
 */
export function quoteTemplate(text: string): string {
  const quoted = Array.from(text, (character) => {
    if (/^[\w ./:,;=@+-]$/.test(character)) return character;
    const number = (character.codePointAt(0) ?? 0).toString(16);
    return number.length > 4 ? `\\U${number.padStart(8, "0")}` : `\\u${number.padStart(4, "0")}`;
  });
  return `\${"${quoted.join("")}"}`;
}

/** An image to be built. */
export interface ImageRequest {
  readonly component: Component;
  readonly build: BuildSource;
  readonly image: string;
}
