import { randomBytes } from "node:crypto";
import { docker } from "../../docker/client.ts";
import { describeError, type Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import type { Issue } from "../../values/issue.ts";
import { entriesOf } from "./fields.ts";
import { type ComposeModel, parseModel } from "./model.ts";
import { describeVariables, isRunnerVariable, type Placeholders, planPlaceholders, selectRefused } from "./reserved.ts";

/** Compose files come from the checkout: fetching another file would start git with settings from a `.env` file. */
const NO_REMOTE_FILES = { COMPOSE_EXPERIMENTAL_GIT_REMOTE: "false", COMPOSE_EXPERIMENTAL_OCI_REMOTE: "false" };

/** Of what compose makes of a compose file. */
const MAX_MODEL_BYTES = 4 * 1024 * 1024;

/** Reads a compose file as compose does, without the variables of the step's environment that it must not read. */
export async function readModel(
  file: string,
  exec: Exec,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly model: ComposeModel } | { readonly issues: readonly Issue[] }> {
  const read = async (secrets: "secrets too" | "runner only") => {
    const placeholders = planPlaceholders(environment, secrets, randomBytes(8).toString("hex"));
    const model = await printModel(file, placeholders, exec);
    return { model, variables: placeholders.find(model) };
  };
  const first = await read("secrets too");
  const refused = selectRefused(first.variables);
  // A service that is given a password gets it in a second reading, once it is known where the password goes.
  const { model, variables } = first.variables.length > 0 && refused.length === 0 ? await read("runner only") : first;
  const issues = [...describeVariables([...refused, ...selectRefused(variables)]), ...checkModel(model)];
  return issues.length > 0 ? { issues } : { model };
}

async function printModel(file: string, placeholders: Placeholders, exec: Exec): Promise<ComposeModel> {
  try {
    const { stdout } = await docker(
      ["compose", "--file", file, "config", "--format", "json"],
      {
        timeoutSeconds: 60,
        purpose: `reading ${file}`,
        maxOutputBytes: MAX_MODEL_BYTES,
        env: { ...placeholders.environment, ...NO_REMOTE_FILES },
      },
      exec,
    );
    return parseModel(stdout);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { exitCode, stdout, stderr } = error;
    throw new CommandError(placeholders.name(error.message), { exitCode, stdout, stderr: placeholders.name(stderr) });
  }
}

/** What compose itself would start or read for a compose file when the services are started. */
export function checkModel(model: ComposeModel): readonly Issue[] {
  const providers = Object.entries(model.services).flatMap(([name, service]) => ("provider" in service ? [name] : []));
  const variables = ["secrets", "configs"].flatMap((section) =>
    entriesOf(model[section]).flatMap(([name, source]) =>
      entriesOf(source).flatMap(([key, value]) =>
        key === "environment" && typeof value === "string" && isRunnerVariable(value)
          ? [{ name: value, path: [section, name] }]
          : [],
      ),
    ),
  );
  const refused = {
    reason: `has services that compose starts as programs on this machine, with provider: ${providers.join(", ")}`,
    allowed: "services that run in containers",
    fix: "remove the service from the compose file, and start what it needs in an earlier step",
  };
  return [...(providers.length > 0 ? [refused] : []), ...describeVariables(variables)];
}

/** Why compose did not read a compose file of a checkout. */
export function explainComposeError(error: unknown, root: string): Problem {
  const words = error instanceof CommandError ? error.stderr.trim() || error.message : describeError(error);
  const all = `${describeError(error)}\n${words}`;
  if (/is not a docker command|unknown (?:shorthand )?flag|docker is not installed/i.test(all)) {
    return {
      input: "runs-on",
      value: "docker compose",
      reason: "is not installed: TORCH-V2 is started with Docker's compose plugin",
      allowed: "a runner with the compose plugin, version 2",
      fix: "use a runner such as ubuntu-latest, or install docker-compose-plugin",
    };
  }
  if (/remote resource is disabled/i.test(words)) {
    return {
      input: "torch",
      value: root,
      reason: "has a compose file that includes another one from outside the checkout",
      allowed: "compose files that are in the checkout",
      fix: "copy the included file into the checkout, and include it by its path",
    };
  }
  return {
    input: "torch",
    value: root,
    reason: `has a compose file that compose cannot read: ${words}`,
    allowed: "a checkout whose compose files docker compose config accepts",
    fix: "run docker compose --file <the file> config, and fix what it reports",
  };
}
