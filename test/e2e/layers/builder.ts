import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createExec } from "../../../src/exec.ts";
import type { BuildSource } from "../../../src/torch/checkout/checkout.ts";
import { COMPONENTS, type ComponentName } from "../../../src/torch/components.ts";
import type { BuildReport, CacheLimits } from "../../../src/torch/stack/build-log.ts";
import { findBuilder } from "../../../src/torch/stack/builder.ts";
import { buildImage } from "../../../src/torch/stack/images.ts";
import { cacheServer, publishBuilder } from "../../../testbed/buildkit.ts";
import { sh } from "../harness.ts";

/** What one build came to. */
export interface Built extends BuildReport {
  /** The steps that ran. */
  readonly ran: readonly string[];
  readonly lines: readonly string[];
}

/** A build, and the variables of the step that it is a part of. */
export interface BuildCase {
  readonly context: string;
  readonly component?: ComponentName;
  readonly args?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly limits?: CacheLimits;
}

/**
 * The real BuildKit in a builder of the docker-container driver, as `docker/setup-buildx-action` makes one. Docker's client
 * has a folder of its own, so that the machine's builder stays as it is.
 */
export class ContainerBuilder {
  readonly folder: string;
  /** What BuildKit printed in the last build. */
  lines: string[] = [];
  readonly #name: string;
  readonly #options: readonly string[];
  #images = 0;

  private constructor(folder: string, name: string, options: readonly string[]) {
    this.folder = folder;
    this.#name = name;
    this.#options = options;
  }

  static async create(name: string): Promise<ContainerBuilder> {
    const folder = await mkdtemp(join(tmpdir(), "kind-torch-builder-"));
    const { plugins, options } = await publishBuilder(folder, console.error);
    await mkdir(join(folder, "docker"));
    if (plugins !== "") await symlink(plugins, join(folder, "docker/cli-plugins"));
    const builder = new ContainerBuilder(folder, name, options);
    await builder.renew();
    return builder;
  }

  /** Docker's client with this builder. */
  get environment(): Readonly<Record<string, string>> {
    return { DOCKER_CONFIG: join(this.folder, "docker") };
  }

  /** Another builder in place of this one: nothing of what it built is left. */
  async renew(): Promise<void> {
    await this.#remove();
    await this.#buildx("create", "--use", "--bootstrap", `--name=${this.#name}`, ...this.#options);
  }

  /** Leaves nothing of what was built, in the same builder. */
  async prune(): Promise<void> {
    await this.#buildx("prune", "--all", "--force");
  }

  /** Builds as the Action does, from a Dockerfile in the context. */
  async build({ context, component = "dashboard", args = {}, environment = {}, limits }: BuildCase): Promise<Built> {
    this.#images += 1;
    const image = `${this.#name}:${this.#images}`;
    this.lines = [];
    const { lines } = this;
    const run = join(this.folder, "run");
    await mkdir(run, { recursive: true });
    const before = { ...process.env };
    Object.assign(process.env, this.environment);
    try {
      const exec = createExec(run);
      const builder = await findBuilder(environment, exec);
      if ("input" in builder) throw new Error(builder.reason);
      const build: BuildSource = { context, dockerfile: join(context, "Dockerfile"), args, target: undefined };
      const report = await buildImage({ component: COMPONENTS[component], build, image }, builder, {
        ...{ exec, say: () => undefined, debug: (line) => lines.push(line), runDirectory: run },
        ...{ signal: AbortSignal.timeout(120_000), ...(limits === undefined ? {} : { limits }) },
      });
      return { ...report, lines, ran: stepsThatRan(lines) };
    } finally {
      for (const name of Object.keys(this.environment)) process.env[name] = before[name] ?? "";
      await sh("docker", ["image", "rm", "--force", image]).catch(() => undefined);
    }
  }

  async dispose(): Promise<void> {
    await this.#remove();
    await rm(this.folder, { recursive: true });
  }

  async #remove(): Promise<void> {
    await this.#buildx("rm", "--force", this.#name).catch(() => undefined);
  }

  async #buildx(...args: readonly string[]): Promise<void> {
    await sh("env", [`DOCKER_CONFIG=${join(this.folder, "docker")}`, "docker", "buildx", ...args], 180);
  }
}

/** The steps of a Dockerfile that a build ran, by their text, from BuildKit's progress. */
function stepsThatRan(lines: readonly string[]): readonly string[] {
  const texts = lines.map((line) => line.replace(/^[\w-]+: /, ""));
  const cached = new Set(texts.map((line) => /^(#\d+) (?:CACHED$|sha256:)/.exec(line)?.[1]));
  const steps = texts.flatMap((line) => {
    const [, vertex, step = ""] = /^(#\d+) \[(?:\S+ )?\d+\/\d+\] (.*)$/.exec(line) ?? [];
    return vertex === undefined || cached.has(vertex) || step.startsWith("FROM ") ? [] : [step];
  });
  return [...new Set(steps)];
}

/** A context whose base is empty, so that its builds take moments: two stages, with steps that end with this code. */
export async function placeSmall(folder: string, exitCode = 0): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "true.c"), `int main(void) { return ${exitCode}; }\n`);
  await sh("gcc", ["-Os", "-static", "-s", "-o", join(folder, "true"), join(folder, "true.c")]);
  await writeFile(join(folder, "first"), "1");
  await writeFile(join(folder, "second"), "1");
  const dockerfile = `FROM scratch AS base
ARG EXAMPLE
COPY true /true
RUN ["/true"]
COPY first /first
RUN ["/true", "first"]
FROM base
COPY second /second
RUN ["/true", "second"]
CMD ["/true"]
`;
  await writeFile(join(folder, "Dockerfile"), dockerfile);
  return folder;
}

/** The cache server of nektos/act, with the address that it printed. */
export async function startActCache(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(await cacheServer(console.error), [folder], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", () => reject(new Error("act's cache server ended")));
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  return {
    url: `${url}/`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
