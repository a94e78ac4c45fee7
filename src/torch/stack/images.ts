import { bake, findBuilderDriver } from "../../docker/buildx.ts";
import { describeError, Failure, type Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import { withRunFile } from "../../run-folder.ts";
import type { BuildSource } from "../checkout/checkout.ts";
import type { Component } from "../components.ts";
import { parseBuildStep } from "./progress.ts";

/** How images are built on this machine. */
export interface Builder {
  /** Whether layers can be kept in the cache of GitHub Actions: only a builder outside of the engine exports a cache. */
  readonly exportsCache: boolean;
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
    const reachable = "ACTIONS_RUNTIME_TOKEN" in cacheAccess;
    return {
      exportsCache: driver !== undefined && driver !== "docker" && reachable,
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

/**
 * Plans how an image is built. What a compose file says goes into a file, neither into the environment of `docker` nor into
 * the list of processes. It holds no credentials of the cluster.
 */
export function planBuild({ build, image, component }: ImageRequest, builder: Builder): BuildCommand {
  const scope = `kind-torch-${component.name}`;
  const cache = {
    "cache-from": [`type=gha,scope=${scope}`],
    // A cache that cannot be written only makes the next run slower.
    "cache-to": [`type=gha,scope=${scope},mode=max,ignore-error=true`],
  };
  const target = {
    args: Object.fromEntries(Object.entries(build.args).map((entry) => entry.map(quoteTemplate))),
    tags: [image],
    ...(build.target === undefined ? {} : { target: quoteTemplate(build.target) }),
    ...(builder.exportsCache ? cache : {}),
  };
  return {
    args: [
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

const BUILD_SECONDS = 3600;

/** Builds an image with BuildKit. @throws Failure with the step that failed and its last lines. */
export async function buildImage(
  { component, build, image }: ImageRequest,
  builder: Builder,
  tools: {
    readonly exec: Exec;
    readonly debug: (line: string) => void;
    /** Says which step of its Dockerfile is built. */
    readonly say: (step: string) => void;
    readonly runDirectory: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  try {
    const { definition, args, ...place } = planBuild({ component, build, image }, builder);
    await withRunFile(tools.runDirectory, { name: "bake.json", text: definition }, (path) =>
      bake(
        path,
        args,
        {
          ...place,
          timeoutSeconds: BUILD_SECONDS,
          purpose: `building the ${component.title}'s image`,
          onLine: (line) => {
            const step = parseBuildStep(line);
            if (step !== undefined) tools.say(`builds ${step}`);
            tools.debug(`${component.name}: ${line}`);
          },
          signal: tools.signal,
        },
        tools.exec,
      ),
    );
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const words = error instanceof CommandError ? excerptBuild(error.stderr) : describeError(error);
    throw new Failure(`The ${component.title}'s image was not built from ${build.context}.\n${words}`, {
      fix: "fix the Dockerfile or what it copies; docker buildx build on that folder shows the same error",
      cause: error,
      retryable: false,
    });
  }
}

/**
 * The part of a build's plain progress that says why it failed: the excerpt of the failed step, which buildx prints between
 * lines of dashes, or else the last lines.
 */
export function excerptBuild(progress: string): string {
  const all = progress.split("\n").filter((line) => line.trim() !== "");
  // The lines about buildx reading its own definition say nothing about the Dockerfile.
  const reading = all.map((line) => /^(#\d+) \[internal\] load local bake definitions/.exec(line)?.[1]).find(Boolean);
  const lines = all.filter((line) => reading === undefined || !line.startsWith(`${reading} `));
  const error = lines.findLastIndex((line) => /^ERROR:/.test(line));
  const begin = lines.findIndex((line) => /^ > /.test(line));
  if (begin !== -1) return lines.slice(begin, begin + 30).join("\n");
  return lines.slice(Math.max(0, (error === -1 ? lines.length : error + 1) - 10)).join("\n");
}
