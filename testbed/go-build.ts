import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";

/** Static and without paths of this machine, so that equal sources give equal programs. */
const linking = ["-trimpath", "-ldflags"] as const;

export type Module = {
  readonly folder: string;
  readonly version: string;
  readonly commit: string;
  readonly time: string;
};

export async function downloadModule(path: string, version: string): Promise<Module> {
  const answer: unknown = JSON.parse(await run("go", ["mod", "download", "-json", `${path}@${version}`]));
  const folder = text(answer, "Dir");
  const info: unknown = JSON.parse(await readFile(text(answer, "Info"), "utf8"));
  const origin = typeof answer === "object" && answer !== null && "Origin" in answer ? answer.Origin : undefined;
  return { folder, version, commit: origin === undefined ? "unknown" : text(origin, "Hash"), time: text(info, "Time") };
}

/** The day a module's version was published. */
export async function moduleDate(path: string, version: string): Promise<string> {
  return (await downloadModule(path, version)).time.slice(0, 10);
}

function text(object: unknown, field: string): string {
  if (typeof object === "object" && object !== null) {
    const value: unknown = Object.entries(object).find(([name]) => name === field)?.[1];
    if (typeof value === "string") return value;
  }
  throw new Error(`the go command's answer has no ${field}`);
}

/** Builds a program, or several into a folder, of a module that lies in a folder. */
export async function goBuild(
  module: { readonly folder: string; readonly toolchain: string },
  target: string | readonly string[],
  output: string,
  linkerFlags: readonly string[] = [],
): Promise<void> {
  const flags = [...linking, `-s -w ${linkerFlags.join(" ")}`, "-tags=providerless"];
  await run("go", ["build", ...flags, "-o", output, ...[target].flat()], {
    in: module.folder,
    env: goEnvironment(module.toolchain),
  });
}

/**
 * Compiles a package's tests into a program. Kubernetes' tests import the cloud providers, so that none is left out. Without
 * the check of all that they depend on, which takes longer than compiling.
 */
export async function goTest(
  module: { readonly folder: string; readonly toolchain: string },
  target: string,
  output: string,
  linkerFlags: readonly string[] = [],
): Promise<void> {
  await run("go", ["test", "-c", "-vet=off", ...linking, `-s -w ${linkerFlags.join(" ")}`, "-o", output, target], {
    in: module.folder,
    env: goEnvironment(module.toolchain),
  });
}

/** A throw-away module around dependencies: the place where `go build` finds its replacements and sums. */
export async function goModule(folder: string, toolchain: string, require: string | readonly string[]): Promise<void> {
  const env = goEnvironment(toolchain);
  await run("go", ["mod", "init", "bed"], { in: folder, env });
  await run("go", ["get", ...[require].flat()], { in: folder, env });
}

/** A single program of a module that needs no replacements. */
export async function goInstall(program: string, folder: string): Promise<void> {
  await run("go", ["install", ...linking, "-s -w", program], {
    env: { ...goEnvironment("auto"), GOBIN: join(folder) },
  });
}

/**
 * Builds programs of a module as its own: `go install` refuses one whose go.mod has exclude directives.
 * @param packages paths from the module's root.
 */
export async function goBuildOwn(
  { path, version }: { readonly path: string; readonly version: string },
  packages: readonly string[],
  folder: string,
  options: readonly string[] = [],
): Promise<void> {
  const sources = join(folder, "sources");
  await cp((await downloadModule(path, version)).folder, sources, { recursive: true });
  // The module cache is read-only, and so are copies from it.
  await run("chmod", ["-R", "u+w", sources]);
  const output = `${folder}/`;
  await run("go", ["build", ...linking, "-s -w", ...options, "-o", output, ...packages.map((each) => `./${each}`)], {
    in: sources,
    env: goEnvironment("auto"),
  });
  await rm(sources, { recursive: true });
}

function goEnvironment(toolchain: string): Record<string, string> {
  return { GOTOOLCHAIN: toolchain, CGO_ENABLED: "0", GOFLAGS: "-mod=mod -buildvcs=false", GOWORK: "off" };
}
