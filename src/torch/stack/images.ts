import { bake, findOwnBuilder } from "../../docker/buildx.ts";
import { describeError, Failure } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import { withRunFile } from "../../run-folder.ts";
import { BuildLog, type BuildReport, CACHE_LIMITS, type CacheLimits, withoutPaths } from "./build-log.ts";
import { type Builder, type ImageRequest, planBuild } from "./builder.ts";
import { parseBuildStep } from "./progress.ts";

const BUILD_SECONDS = 3600;

/** What a build works with. */
export interface BuildTools {
  readonly exec: Exec;
  readonly debug: (line: string) => void;
  /** Says which step of its Dockerfile is built. */
  readonly say: (step: string) => void;
  readonly runDirectory: string;
  readonly signal: AbortSignal;
  /** How long a cache is waited for. */
  readonly limits?: CacheLimits;
}

/**
 * Builds an image with BuildKit. A cache that fails costs time, never the image: where BuildKit itself does not go on
 * without it, because it waits or refuses, the image is built again without. The same holds for a builder that was brought
 * to keep layers.
 * @throws Failure with the step that failed and its last lines.
 */
export async function buildImage(request: ImageRequest, builder: Builder, tools: BuildTools): Promise<BuildReport> {
  const isBrought = builder.exportsCache || builder.hint !== undefined;
  if (!isBrought) return await buildOnce(request, builder, tools);
  const stall = new AbortController();
  const log = new BuildLog();
  const { listSeconds } = tools.limits ?? CACHE_LIMITS;
  const timer = setInterval(
    () => {
      const note = log.stall(performance.now(), tools.limits ?? CACHE_LIMITS);
      if (note !== undefined) stall.abort(note);
    },
    Math.min(1, listSeconds / 4) * 1000,
  );
  const signal = AbortSignal.any([tools.signal, stall.signal]);
  try {
    return await buildOnce(request, builder, { ...tools, signal }, log);
  } catch (error) {
    if (tools.signal.aborted || blamesDockerfile(error)) throw error;
    const without = builder.exportsCache ? WITHOUT_CACHE : WITH_OWN_BUILDER;
    const note = stall.signal.aborted ? String(stall.signal.reason) : `${without}: ${reasonOf(error)}`;
    // A builder outside of the engine has neither its images nor its mirrors and CAs.
    // Steps that wait for a cache wait in every later build of the same builder, because BuildKit runs equal steps once.
    const place =
      log.writes && builder.exportsCache
        ? builder
        : { ...builder, name: await findOwnBuilder(OWN_BUILDER, tools.exec) };
    const again = await buildOnce(request, { ...place, exportsCache: false }, tools, new BuildLog(log));
    return { ...again, notes: [...log.report.notes, note] };
  } finally {
    clearInterval(timer);
  }
}

const OWN_BUILDER = { timeoutSeconds: 30, purpose: "looking for Docker's own builder" };
const WITHOUT_CACHE = "built without the cache of earlier runs";
const WITH_OWN_BUILDER = "built by Docker's own builder";

/** How BuildKit says that a step of a Dockerfile ended with an error, or that what it copies is not there. */
const DOCKERFILE_ERRORS =
  /did not complete successfully: exit code|failed to (calculate checksum of|compute cache key)/;

/** Whether a build failed by what its Dockerfile says: it would again. */
function blamesDockerfile(error: unknown): boolean {
  return error instanceof Failure && DOCKERFILE_ERRORS.test(error.message);
}

/** The last error that BuildKit printed. */
function reasonOf(error: unknown): string {
  const [, reason] = /^ERROR: (.*)$/m.exec(describeError(error)) ?? [];
  return withoutPaths(reason ?? "the build failed with it");
}

async function buildOnce(
  { component, build, image }: ImageRequest,
  builder: Builder,
  tools: BuildTools,
  log = new BuildLog(),
): Promise<BuildReport> {
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
            log.add(line, performance.now());
            const step = parseBuildStep(line);
            if (step !== undefined) tools.say(`builds ${step}`);
            tools.debug(`${component.name}: ${withoutPaths(line)}`);
          },
          signal: tools.signal,
        },
        tools.exec,
      ),
    );
    return log.report;
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
