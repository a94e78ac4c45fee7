import type { Exec } from "../exec.ts";
import { type DockerOptions, docker } from "./client.ts";

/** What Compose makes of a compose file, in JSON. */
export async function readComposeModel(file: string, options: DockerOptions, exec: Exec): Promise<string> {
  return (await docker(["compose", "--file", file, "config", "--format", "json"], options, exec)).stdout;
}

/** A project of Compose. */
export interface ComposeProject {
  readonly file: string;
  readonly name: string;
  readonly directory: string;
}

/** Creates a project's containers from images that the engine has, and starts none. */
export async function createProject(project: ComposeProject, options: DockerOptions, exec: Exec): Promise<void> {
  await docker(
    [...projectArgs(project), "--no-start", "--no-build", "--force-recreate", "--pull=never"],
    options,
    exec,
  );
}

/** Starts the containers that a project has. */
export async function startCreated(project: ComposeProject, options: DockerOptions, exec: Exec): Promise<void> {
  await docker([...projectArgs(project), "--detach", "--no-build", "--no-recreate", "--pull=never"], options, exec);
}

/** Creates and starts a project's containers from images that the engine has. */
export async function startProject(project: ComposeProject, options: DockerOptions, exec: Exec): Promise<void> {
  await docker(composeUpArgs(project), options, exec);
}

/** Arguments that start a project. */
export function composeUpArgs(project: ComposeProject): readonly string[] {
  return [...projectArgs(project), "--detach", "--no-build", "--force-recreate", "--pull=never"];
}

/** What the environment or a .env file says about Compose concerns another project. */
function projectArgs({ file, name, directory }: ComposeProject): readonly string[] {
  return [
    "compose",
    `--file=${file}`,
    `--project-name=${name}`,
    `--project-directory=${directory}`,
    "--env-file=/dev/null",
    "up",
  ];
}
