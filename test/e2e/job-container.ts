import { spawn } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { StepFolders, StepProcess } from "../../scripts/local/runner.ts";
import { sh } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Where a runner puts things in a job's container (actions/runner, ContainerOperationProvider). */
const INSIDE = { work: "/__w", externals: "/__e", tools: "/__t" } as const;

/** A job's container: the steps run in it, and Docker's socket is mounted. */
export interface JobContainer {
  readonly name: string;
  /** The network that the runner made for the job, where it has one. */
  readonly network: string | undefined;
  /** A path of this machine as the container has it. */
  path(outside: string): string;
  /** Starts a step's program in it. */
  start(entry: string, environment: NodeJS.ProcessEnv): StepProcess;
  /** Runs a command in it. */
  sh(command: string): Promise<string>;
  /** The networks that it is in. */
  networks(): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** What a job's container is made from. */
export interface JobContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly folders: StepFolders;
  /** `own`: a network for the job, as a runner makes one; `host`: that of the machine, as act has it. */
  readonly network: "own" | "host" | "bridge";
  /** Whether the runner's folders are in the container's own file system, as act has it, and not mounted. */
  readonly unmounted?: boolean;
}

/** Starts a container as a runner does for a job with `container:`. Its client of Docker and its Node are this machine's. */
export async function startJobContainer(options: JobContainerOptions): Promise<JobContainer> {
  const { name, image, folders, unmounted = false } = options;
  const network = options.network === "own" ? `${name}-network` : undefined;
  if (network !== undefined) await sh("docker", ["network", "create", network]);
  const outside = join(folders.workspace, "..");
  const externals = join(outside, "externals");
  await mkdir(externals, { recursive: true });
  await cp(process.execPath, join(externals, "node"));
  await cp(join(ROOT, "dist"), join(externals, "dist"), { recursive: true });
  await cp(join(ROOT, "action.yml"), join(externals, "action.yml"));
  const commands = join(folders.temp, "_runner_file_commands");
  await mkdir(commands, { recursive: true });
  const client = [await sh("which", ["docker"]), "/usr/libexec/docker/cli-plugins"];
  const mounts = [
    ["/var/run/docker.sock", "/var/run/docker.sock"],
    ...client.map((path) => [path, path, "ro"]),
    [externals, INSIDE.externals, "ro"],
    [folders.toolCache, INSIDE.tools],
    // What a step and its runner exchange is seen by both in any case.
    ...(unmounted ? [[commands, commands.replace(outside, INSIDE.work)]] : [[outside, INSIDE.work]]),
  ];
  await sh("docker", [
    ...["run", "--detach", `--name=${name}`, `--network=${network ?? options.network}`, "--entrypoint=tail"],
    ...mounts.map((mount) => `--volume=${mount.join(":")}`),
    ...[image, "-f", "/dev/null"],
  ]);
  if (unmounted) await sh("docker", ["cp", `${outside}/.`, `${name}:${INSIDE.work}`]);
  const path = (text: string) => text.replaceAll(outside, INSIDE.work).replaceAll(folders.toolCache, INSIDE.tools);
  const run = (...command: readonly string[]) => sh("docker", ["exec", name, ...command]);
  return {
    name,
    network,
    path,
    start: (entry, environment) => startIn(name, entry, environment, path),
    sh: (command) => run("sh", "-c", command),
    networks: async () =>
      (
        await sh("docker", [
          "inspect",
          "--format={{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}",
          name,
        ])
      ).split("\n"),
    end: async () => {
      await sh("docker", ["rm", "--force", "--volumes", name]);
      if (network !== undefined) await sh("docker", ["network", "rm", network]);
    },
  };
}

/** The variables that a runner gives a step in a container: this process's own are the runner's. */
const OF_THE_STEP = /^(?:GITHUB_|RUNNER_|INPUT_|STATE_)/;

function startIn(
  container: string,
  entry: string,
  environment: NodeJS.ProcessEnv,
  path: (text: string) => string,
): StepProcess {
  const own = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && OF_THE_STEP.test(name) ? [[name, path(value)] as const] : [],
  );
  const names = own.flatMap(([name]) => ["--env", name]);
  const workspace = path(environment.GITHUB_WORKSPACE ?? "");
  const args = ["exec", "--workdir", workspace, ...names, container, `${INSIDE.externals}/node`];
  return spawn("docker", [...args, `${INSIDE.externals}/dist/${entry}`], {
    // Docker's client takes a variable's value from its own environment: none is in a process list.
    env: { PATH: process.env.PATH, ...Object.fromEntries(own) },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
