import { describeError, Failure, type Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import type { BuildSource } from "../checkout/read.ts";
import type { Component } from "../components.ts";

/** How images are built on this machine. */
export interface Builder {
  /** Whether layers can be kept in the cache of GitHub Actions: only a builder apart from the engine exports a cache. */
  readonly exportsCache: boolean;
  /** What buildx needs to reach that cache; a secret. */
  readonly cacheAccess: Readonly<Record<string, string>>;
  /** The platform that the job builds for, where it is not the machine's; `buildx build` takes it by itself. */
  readonly platform: string | undefined;
}

/** The variables by which the runner gives a step its cache service (docker/buildx, cache backend gha). */
const CACHE_VARIABLES = [
  "ACTIONS_RUNTIME_TOKEN",
  "ACTIONS_RESULTS_URL",
  "ACTIONS_CACHE_URL",
  "ACTIONS_CACHE_SERVICE_V2",
] as const;

/** Looks at the machine's builder: it must be BuildKit's. */
export async function findBuilder(environment: NodeJS.ProcessEnv, exec: Exec): Promise<Builder | Problem> {
  const cacheAccess = Object.fromEntries(
    CACHE_VARIABLES.flatMap((name) => {
      const value = environment[name] ?? "";
      return value === "" ? [] : [[name, value]];
    }),
  );
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["buildx", "inspect"],
      timeoutSeconds: 60,
      purpose: "looking at the builder",
    });
    const driver = /^Driver:\s*(\S+)/m.exec(stdout)?.[1];
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
      reason: `is not there: TORCH-V2's images are built with Docker's buildx plugin (${describeError(error)})`,
      allowed: "a runner with the buildx plugin",
      fix: "use a runner such as ubuntu-latest, or install docker-buildx-plugin",
    };
  }
}

/** How `docker` is called to build an image. */
export interface BuildCommand {
  readonly args: readonly string[];
  /** The definition of the build, with what a compose file says. */
  readonly stdin: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const TARGET = "image";

/** What the environment says to buildx, so that nothing else of it, and nothing of a checkout, changes what is built. */
const BUILDX_SETTINGS = {
  // Contexts were looked at. Without this, buildx reads only below its working directory.
  BUILDX_BAKE_ENTITLEMENTS_FS: "0",
  BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP: "1",
  BUILDX_BAKE_FILE_RELATIVE_PATHS: "0",
  // Git would be started in the context. A folder there that looks like a repository may name programs for git to start.
  BUILDX_GIT_INFO: "0",
  BUILDX_GIT_LABELS: "0",
};

/**
 * Plans how an image is built: what a compose file says goes on standard input, and neither into the environment of
 * `docker` nor into the list of processes. No credential of the cluster is among it.
 */
export function planBuild({ build, image, component }: ImageRequest, builder: Builder): BuildCommand {
  const scope = `kind-torch-${component.name}`;
  const cache = {
    "cache-from": [`type=gha,scope=${scope}`],
    // A cache that cannot be written costs the next run time, and this one nothing.
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
      "buildx",
      "bake",
      "--file=-",
      "--progress=plain",
      "--load",
      "--provenance=false",
      // Paths are bytes, and text in a definition is composed (Unicode's NFC).
      `--set=${TARGET}.context=${build.context}`,
      `--set=${TARGET}.dockerfile=${build.dockerfile}`,
      ...(builder.platform === undefined ? [] : [`--set=${TARGET}.platform=${builder.platform}`]),
      TARGET,
    ],
    stdin: JSON.stringify({ target: { [TARGET]: target } }),
    // No checkout: buildx reads a .env file where it is started.
    cwd: "/",
    env: { ...BUILDX_SETTINGS, ...(builder.exportsCache ? builder.cacheAccess : {}) },
  };
}

/**
 * Writes text so that buildx, which reads each string and each name of a definition as a template, has it as it is: as
 * one literal, in which all but plain characters is a number. Escapes of `${` alone are read wrongly behind a bare CR.
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
  tools: { readonly exec: Exec; readonly debug: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await tools.exec({
      file: "docker",
      ...planBuild({ component, build, image }, builder),
      timeoutSeconds: BUILD_SECONDS,
      purpose: `building the ${component.title}'s image`,
      onLine: (line) => tools.debug(`${component.name}: ${line}`),
      signal: tools.signal,
    });
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const words = error instanceof CommandError ? excerptBuild(error.stderr) : describeError(error);
    throw new Failure(`The ${component.title}'s image was not built from ${build.context}.\n${words}`, {
      fix: "fix the Dockerfile or what it copies; docker buildx build on that folder shows the same",
      cause: error,
      retryable: false,
    });
  }
}

/** Whether an image sets a variable of the environment. */
export async function setsVariable(image: string, name: string, exec: Exec): Promise<boolean> {
  const { stdout } = await exec({
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
  const all = progress.split("\n").filter((line) => line.trim() !== "");
  // How buildx reads its own definition says nothing about the Dockerfile.
  const reading = all.map((line) => /^(#\d+) \[internal\] load local bake definitions/.exec(line)?.[1]).find(Boolean);
  const lines = all.filter((line) => reading === undefined || !line.startsWith(`${reading} `));
  const error = lines.findLastIndex((line) => /^ERROR:/.test(line));
  const begin = lines.findIndex((line) => /^ > /.test(line));
  if (begin !== -1) return lines.slice(begin, begin + 30).join("\n");
  return lines.slice(Math.max(0, (error === -1 ? lines.length : error + 1) - 10)).join("\n");
}
