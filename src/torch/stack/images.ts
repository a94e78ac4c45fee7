import { describeError, Failure, type Problem } from "../../failure.ts";
import { CommandError, type Run } from "../../process.ts";
import type { BuildSource } from "../checkout.ts";
import type { Component } from "../components.ts";

/** How images are built on this machine. */
export interface Builder {
  /** Whether layers can be kept in the cache of GitHub Actions: only a builder apart from the engine exports a cache. */
  readonly exportsCache: boolean;
  /** What buildx needs to reach that cache; a secret. */
  readonly cacheAccess: Readonly<Record<string, string>>;
}

/** The variables by which the runner gives a step its cache service (docker/buildx, cache backend gha). */
const CACHE_VARIABLES = [
  "ACTIONS_RUNTIME_TOKEN",
  "ACTIONS_RESULTS_URL",
  "ACTIONS_CACHE_URL",
  "ACTIONS_CACHE_SERVICE_V2",
] as const;

/** Looks at the machine's builder: it must be BuildKit's. */
export async function findBuilder(environment: NodeJS.ProcessEnv, run: Run): Promise<Builder | Problem> {
  const cacheAccess = Object.fromEntries(
    CACHE_VARIABLES.flatMap((name) => {
      const value = environment[name] ?? "";
      return value === "" ? [] : [[name, value]];
    }),
  );
  try {
    const { stdout } = await run({
      file: "docker",
      args: ["buildx", "inspect"],
      timeoutSeconds: 60,
      purpose: "looking at the builder",
    });
    const driver = /^Driver:\s*(\S+)/m.exec(stdout)?.[1];
    const reachable = "ACTIONS_RUNTIME_TOKEN" in cacheAccess;
    return { exportsCache: driver !== undefined && driver !== "docker" && reachable, cacheAccess };
  } catch (error) {
    return {
      input: "runs-on",
      value: "docker buildx",
      reason: `is not there: TORCH-V2's images are built with Docker's buildx plugin (${describeError(error)})`,
      allowed: "a runner with the buildx plugin",
      fix: "use a runner such as ubuntu-latest, or install docker-buildx-plugin",
    };
  }
}

/** The arguments of `docker` that build an image. No credential of the cluster is among them. */
export function planBuild(build: BuildSource, image: string, scope: string, exportsCache: boolean): readonly string[] {
  const cache = [
    `--cache-from=type=gha,scope=${scope}`,
    // A cache that cannot be written costs the next run time, and this one nothing.
    `--cache-to=type=gha,scope=${scope},mode=max,ignore-error=true`,
  ];
  return [
    "buildx",
    "build",
    "--progress=plain",
    "--load",
    "--provenance=false",
    `--tag=${image}`,
    `--file=${build.dockerfile}`,
    // The values are in the environment, where no list of processes shows them.
    ...Object.keys(build.args).map((name) => `--build-arg=${name}`),
    ...(build.target === undefined ? [] : [`--target=${build.target}`]),
    ...(exportsCache ? cache : []),
    build.context,
  ];
}

/** The values of a build's arguments. */
function readArguments({ args }: BuildSource): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(args).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
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
  tools: { readonly run: Run; readonly debug: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await tools.run({
      file: "docker",
      args: planBuild(build, image, `kind-torch-${component.name}`, builder.exportsCache),
      timeoutSeconds: BUILD_SECONDS,
      purpose: `building the ${component.title}'s image`,
      env: { ...readArguments(build), ...(builder.exportsCache ? builder.cacheAccess : {}) },
      onLine: (line) => tools.debug(`${component.name}: ${line}`),
      signal: tools.signal,
    });
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const words = error instanceof CommandError ? excerptBuild(error.stderr) : describeError(error);
    throw new Failure(`The ${component.title}'s image was not built from ${build.context}.\n${words}`, {
      cure: "mend the Dockerfile or what it copies; docker buildx build on that folder shows the same",
      cause: error,
      final: true,
    });
  }
}

/** Whether an image sets a variable of the environment. */
export async function setsVariable(image: string, name: string, run: Run): Promise<boolean> {
  const { stdout } = await run({
    file: "docker",
    args: ["image", "inspect", "--format={{range .Config.Env}}{{println .}}{{end}}", image],
    timeoutSeconds: 60,
    purpose: `looking at ${image}`,
  });
  return stdout.split("\n").some((line) => line.startsWith(`${name}=`));
}

/**
 * What of a build's plain progress tells why it failed: from the failed step's excerpt on, which buildx prints between
 * lines of dashes, else the last lines.
 */
export function excerptBuild(progress: string): string {
  const lines = progress.split("\n").filter((line) => line.trim() !== "");
  const error = lines.findLastIndex((line) => /^ERROR:/.test(line));
  const begin = lines.findIndex((line) => /^ > /.test(line));
  if (begin !== -1) return lines.slice(begin, begin + 30).join("\n");
  return lines.slice(Math.max(0, (error === -1 ? lines.length : error + 1) - 10)).join("\n");
}
