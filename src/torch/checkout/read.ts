import { randomBytes } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { describeError, type Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import type { Issue } from "../../values/issue.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { COMPONENTS, type Component, type PerComponent } from "../components.ts";
import {
  type ComposeBuild,
  type ComposeModel,
  checkBuilds,
  checkServiceNames,
  findService,
  type ServicePort,
} from "../compose/plan.ts";
import {
  isRunnerVariable,
  isSecretVariable,
  planStandIns,
  type ReadVariable,
  selectRefused,
} from "../compose/reserved.ts";
import { type Layout, selectPlans } from "./layout.ts";
import { checkReferences } from "./references.ts";

/** A checkout of TORCH-V2, looked through: everything that a boot needs is there. */
export interface Checkout {
  readonly root: string;
  readonly components: PerComponent<CheckedComponent>;
  /** Path of the zip of BPMN plans. */
  readonly plans: string;
}

/** A component as its checkout has it. */
export interface CheckedComponent {
  readonly composeFile: string;
  /** The compose file, as compose itself reads it: interpolated, and with absolute paths. */
  readonly model: ComposeModel;
  /** The name of the component's own service in it; others are its helpers. */
  readonly service: string;
  readonly port: ServicePort;
  readonly build: BuildSource;
}

/** What an image is built from. */
export interface BuildSource {
  readonly context: string;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target: string | undefined;
}

/** How long a repository may take to be fetched. */
export const FETCH_SECONDS = 600;

/** Settings under which nothing of a checkout is a program of git's, whatever the machine's own settings say. */
export const INERT_CHECKOUT = ["core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false"];

/** What to do about git's words. */
export function adviseFetch(words: string, ref: string | undefined): string {
  if (/^[0-9a-f]{4,39}$/.test(ref ?? "") && /couldn't find remote ref|not our ref/i.test(words)) {
    return `write the full hash of the commit in torch-ref: a server does not know ${ref} by its first characters`;
  }
  if (ref === undefined && /couldn't find remote ref HEAD/i.test(words)) {
    return "check torch: what answers there has no commit, or is not a git repository";
  }
  if (/couldn't find remote ref/i.test(words))
    return "check torch-ref: the repository has no such branch, tag or commit";
  if (/not valid: is this a git repository|unexpected end of .*headers|not a git repository/i.test(words)) {
    return "check torch: what answers there is not a git repository, perhaps a page to sign in; check a private one out in an earlier step, and give torch its folder";
  }
  if (/could not read Username|Authentication failed|terminal prompts disabled|Permission denied/i.test(words)) {
    return "check a private repository out in an earlier step, and give torch its folder";
  }
  return "check torch and torch-ref, and that this runner reaches the server";
}

/**
 * Looks through a checkout and says all that is missing, with the paths looked at. Compose files are read by compose
 * itself.
 */
export async function readCheckout(
  root: string,
  layout: Layout,
  exec: Exec,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly checkout: Checkout } | { readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const submodules = await readFile(join(root, ".gitmodules"), "utf8").catch(() => "");
  const find = (kind: "file" | "folder", input: string, path: string, what: string) =>
    findInside(root, kind, path, what, submodules).then((found) => {
      if (typeof found === "string") return found;
      // Compose makes paths absolute; a person wrote them from the checkout's root.
      const value = isAbsolute(path) && isWithinFolder(root, path) ? relative(root, path) : path;
      problems.push({ input, value, ...found });
      return undefined;
    });

  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    const problem = {
      input: "torch",
      value: root,
      reason: "is not a folder that is there",
      allowed: "a checkout of TORCH-V2, or the URL of its git repository",
      fix: "check the path; actions/checkout comes before this step",
    };
    return { problems: [problem] };
  }
  if ((await find("folder", "torch-example", layout.docker, await describeExample(root, layout))) === undefined) {
    return { problems };
  }
  const read = async (component: Component): Promise<CheckedComponent | undefined> => {
    const { folder, explicit: told } = layout.components[component.name];
    const composeFile = await chooseComposeFile(root, layout.components[component.name].composeFile);
    const present = await describeYaml(join(root, layout.docker));
    const file = await find("file", "torch", composeFile, `the ${component.title}'s compose file; ${present}`);
    if (file === undefined) return undefined;
    const references = await checkReferences(root, file);
    if (references.length > 0) {
      problems.push(...references.map((issue) => ({ input: "torch", value: composeFile, ...issue })));
      return undefined;
    }
    const model = await readModel(file, exec, environment);
    if ("issues" in model) {
      problems.push(...model.issues.map((issue) => ({ input: "torch", value: composeFile, ...issue })));
      return undefined;
    }
    const found = findService(model.model, component);
    if ("issue" in found) {
      problems.push({ input: "torch", value: composeFile, ...found.issue });
      return undefined;
    }
    const issue = checkBuilds(found) ?? checkServiceNames(found);
    if (issue !== undefined) {
      problems.push({ input: "torch", value: composeFile, ...issue });
      return undefined;
    }
    const build = unescapeBuild(found.model.services[found.service]?.build);
    const { args, issues } = resolveArguments(build?.args ?? {}, environment);
    problems.push(...issues.map((each) => ({ input: "torch", value: composeFile, ...each })));
    const context = told || build?.context === undefined ? folder : build.context;
    const input = `torch-${component.name}-folder`;
    const place = await find("folder", input, context, `the ${component.title}'s build context`);
    if (place === undefined) return undefined;
    const dockerfile = join(context, (told ? undefined : build?.dockerfile) ?? "Dockerfile");
    const recipe = await find("file", input, dockerfile, `the ${component.title}'s Dockerfile`);
    if (recipe === undefined) return undefined;
    return {
      ...found,
      composeFile: file,
      build: { context: place, dockerfile: recipe, args, target: build?.target },
    };
  };
  const findPlans = async () => {
    if (layout.plans !== undefined) return await find("file", "torch-bpmn-plans", layout.plans, "the BPMN plans");
    const [plans, ...others] = selectPlans(await readdir(join(root, layout.docker)));
    if (plans !== undefined && others.length === 0) return join(root, layout.docker, plans);
    problems.push({
      input: "torch-bpmn-plans",
      value: "",
      reason: `is not said, and ${layout.docker} has ${plans === undefined ? "no zip of BPMN plans" : `several (${[plans, ...others].join(", ")})`}`,
      allowed: "one bpmn*.zip in that folder, or a path in the checkout",
      fix: "tell the zip's path with torch-bpmn-plans",
    });
    return undefined;
  };
  try {
    const [dashboard, engine, services, plans] = await Promise.all([
      read(COMPONENTS.dashboard),
      read(COMPONENTS.engine),
      read(COMPONENTS.services),
      findPlans(),
    ]);
    if (dashboard === undefined || engine === undefined || services === undefined || plans === undefined) {
      return { problems };
    }
    return { checkout: { root, components: { dashboard, engine, services }, plans } };
  } catch (error) {
    return { problems: [...problems, explainCompose(error, root)] };
  }
}

/** A compose file's name is fixed but for its extension. */
async function chooseComposeFile(root: string, path: string): Promise<string> {
  const other = path.replace(/\.yaml$/, ".yml");
  const isThere = (name: string) =>
    stat(join(root, name)).then(
      () => true,
      () => false,
    );
  return !(await isThere(path)) && (await isThere(other)) ? other : path;
}

async function describeYaml(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  return `its name is fixed, and the folder has ${names.length === 0 ? "no YAML file" : names.toSorted().join(", ")}`;
}

/** What the example's folder is, with the examples that there are. */
async function describeExample(root: string, { examples }: Layout): Promise<string> {
  const entries = await readdir(join(root, examples), { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const known =
    names.length === 0 ? `no ${examples} folder is there` : `the examples are ${names.toSorted().join(", ")}`;
  return `the example's folder of compose files; ${known}`;
}

/** A path in the checkout, or absolute as compose makes them; it must be there, and must not lead out. */
async function findInside(root: string, kind: "file" | "folder", path: string, what: string, submodules: string) {
  const whole = resolve(root, path);
  const allowed = `a ${kind} in the checkout (${what})`;
  try {
    const [real, realRoot, found] = await Promise.all([realpath(whole), realpath(root), stat(whole)]);
    if (!isWithinFolder(realRoot, real)) {
      return { reason: `leads out of the checkout ${root}`, allowed, fix: `name a ${kind} in the checkout` };
    }
    if (kind === "file" ? found.isFile() : found.isDirectory()) return whole;
    return { reason: `is not a ${kind}: ${whole}`, allowed, fix: `name a ${kind}` };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const submodule = [...submodules.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].find(([, name = ""]) =>
      isWithinFolder(resolve(root, name), whole),
    )?.[1];
    if (missing && submodule !== undefined) {
      return {
        reason: `is not there: .gitmodules has ${submodule} as a submodule, which was not fetched`,
        allowed,
        fix: "check out with submodules: true in an earlier step, and give torch the folder",
      };
    }
    return {
      reason: missing ? `is not there: looked for ${whole}` : `cannot be read: ${describeError(error)}`,
      allowed,
      fix: "check torch, torch-ref and torch-example; where the layout moved, the inputs torch-*-folder and torch-bpmn-plans tell it",
    };
  }
}

/** Compose doubles each dollar, so that it may read again what it prints. What buildx is told is not read by compose. */
function unescapeBuild(build: ComposeBuild | undefined): ComposeBuild | undefined {
  return build === undefined ? undefined : JSON.parse(JSON.stringify(build).replaceAll("$$", () => "$"));
}

/** Compose files come from the checkout: to fetch another compose starts git, with what a `.env` file says of git. */
const NO_REMOTE_FILES = { COMPOSE_EXPERIMENTAL_GIT_REMOTE: "false", COMPOSE_EXPERIMENTAL_OCI_REMOTE: "false" };

/** Of what compose makes of a compose file. */
const MAX_MODEL_BYTES = 4 * 1024 * 1024;

/** Reads a compose file as compose does, without what it may not read of the step's environment. */
async function readModel(
  file: string,
  exec: Exec,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly model: ComposeModel } | { readonly issues: readonly Issue[] }> {
  const read = async (secrets: "secrets too" | "runner alone") => {
    const standIns = planStandIns(environment, secrets, randomBytes(8).toString("hex"));
    try {
      const { stdout } = await exec({
        file: "docker",
        args: ["compose", "--file", file, "config", "--format", "json"],
        timeoutSeconds: 60,
        purpose: `reading ${file}`,
        maxOutputBytes: MAX_MODEL_BYTES,
        env: { ...standIns.environment, ...NO_REMOTE_FILES },
      });
      const model: ComposeModel = JSON.parse(stdout);
      return { model, variables: standIns.find(model) };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { exitCode, stdout, stderr } = error;
      throw new CommandError(standIns.name(error.message), { exitCode, stdout, stderr: standIns.name(stderr) });
    }
  };
  const first = await read("secrets too");
  const refused = selectRefused(first.variables);
  // A service that is given a password reads it itself, once it is known where the password goes.
  const { model, variables } = first.variables.length > 0 && refused.length === 0 ? await read("runner alone") : first;
  const issues = [...describeRead([...refused, ...selectRefused(variables)]), ...checkModel(model)];
  return issues.length > 0 ? { issues } : { model };
}

/** Says which variables a compose file reads that it may not, once each. */
function describeRead(variables: readonly ReadVariable[]): readonly Issue[] {
  return [...new Set(variables.map(({ name }) => name))].map((name) => {
    const places = new Set(variables.filter((each) => each.name === name).map(({ path }) => path.join(".")));
    const what =
      name === undefined ? "has the whole environment of the step" : `reads ${name} from the step's environment`;
    return {
      reason: `${what} (at ${[...places].join(", ")})`,
      allowed:
        "variables that are neither the runner's own (ACTIONS_*, INPUT_*, STATE_*, GITHUB_TOKEN, GH_TOKEN) nor, in build and labels, secrets by their names (such as *_TOKEN, *_PASSWORD, *_SECRET, *_KEY)",
      fix: `take ${name ?? "it"} out of the compose file, or build the image in an earlier step and name it with image`,
    };
  });
}

/** What a compose file would have compose itself start or read when the services are started. */
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
    reason: `has services that compose starts as programs of this machine, with provider: ${providers.join(", ")}`,
    allowed: "services that run in containers",
    fix: "leave the service out of the compose file, and start what it needs in an earlier step",
  };
  return [...(providers.length > 0 ? [refused] : []), ...describeRead(variables)];
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

/**
 * The values of a build's arguments. One without a value is the environment's; compose has put most of them in already.
 * What the environment does not have is left out.
 */
export function resolveArguments(
  args: Readonly<Record<string, string | null>>,
  environment: NodeJS.ProcessEnv,
): { readonly args: Readonly<Record<string, string>>; readonly issues: readonly Issue[] } {
  const unset = Object.entries(args).flatMap(([name, value]) => (value === null ? [name] : []));
  const reserved = unset.filter(
    (name) => (isRunnerVariable(name) || isSecretVariable(name)) && (environment[name] ?? "") !== "",
  );
  const values = Object.entries(args).flatMap(([name, value]) => {
    const text = value ?? environment[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  // Buildx composes characters in its definitions (`e` and an accent to one character), and so changes the text.
  const decomposed = values.filter((entry) => entry.some((text) => text !== text.normalize("NFC")));
  const issues = decomposed.map(([name]) => ({
    reason: `has the build argument ${name} with decomposed Unicode characters, which buildx would compose`,
    allowed: "text in Unicode's composed form (NFC)",
    fix: "write the characters composed, or make them in the Dockerfile",
  }));
  return {
    args: Object.fromEntries(values),
    issues: [...describeRead(reserved.map((name) => ({ name, path: ["build", "args", name] }))), ...issues],
  };
}

function explainCompose(error: unknown, root: string): Problem {
  const words = error instanceof CommandError ? error.stderr.trim() || error.message : describeError(error);
  if (
    /is not a docker command|unknown (?:shorthand )?flag|docker is not installed/i.test(
      `${describeError(error)}\n${words}`,
    )
  ) {
    return {
      input: "runs-on",
      value: "docker compose",
      reason: "is not there: TORCH-V2 is started with Docker's compose plugin",
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
    reason: `has a compose file that compose does not read: ${words}`,
    allowed: "a checkout whose compose files docker compose config accepts",
    fix: "run docker compose --file <the file> config, and fix what it says",
  };
}
