import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { bundling } from "../../../scripts/build.ts";
import { publishBuilder } from "../../../testbed/buildkit.ts";
import { cacheFolder } from "../../../testbed/cache.ts";
import { copyTracked } from "../../../testbed/hosted/repository.ts";
import { type Machine, sh } from "../harness.ts";
import { bridgeArtifacts, findFreePort } from "./artifact-bridge.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** Which CAs Node.js also trusts is a setting of the machine, as for other programs. */
const EXTRA_CA =
  process.env.NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS };
const ACT_SECONDS = 600;
/** How long act has for the post steps after it was asked to stop. */
const STOP_SECONDS = 90;

/** What a workflow run under act left behind. */
export interface ActRun {
  readonly exitCode: number | null;
  readonly log: string;
  /** Where the workflow's steps put what the test checks. */
  readonly proof: string;
  /** act's home with its caches, and with everything that act itself does not clean up. */
  readonly home: string;
  /** The folder of each artifact that arrived, unpacked, by its name. */
  readonly artifacts: ReadonlyMap<string, string>;
  dispose(): Promise<void>;
}

/** What is run under act. */
export interface ActRequest {
  /** A file of the project's workflows, or of the tests' own. */
  readonly workflow: string;
  /** Chooses jobs and their matrix, as act's options. */
  readonly options?: readonly string[];
  /** The event that starts it, `push` if unset. */
  readonly event?: "push" | "pull_request";
  /** Writes the repository's files, the workflow among them, in place of the project's own. */
  readonly writeRepository?: (folder: string) => Promise<void>;
  /** A folder in which act's cache server keeps layers: jobs have a builder of their own then, and that cache. */
  readonly layers?: string;
  /** A folder of programs that come first in PATH. */
  readonly programs?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Gets each line of act's output as it comes. */
  readonly onLine?: (line: string) => void;
  /** The workflow is cancelled when a line matches. */
  readonly cancelAt?: RegExp;
}

/**
 * Runs a workflow under act in self-hosted mode, in a repository that holds the Action as GitHub would fetch it and
 * all workflows. act's home, caches and temporary files lie in the same folder, which `dispose` removes.
 */
export async function runWorkflow(act: string, machine: Machine, request: ActRequest): Promise<ActRun> {
  const { workflow, options = [], event = "push", layers, programs, variables = {}, secrets = {} } = request;
  const root = await mkdtemp(join(tmpdir(), "kind-torch-act-"));
  // GitHub's machines let every user pass through the folders above the temporary one; tests start programs as another user.
  await chmod(root, 0o711);
  const dispose = () => rm(root, { recursive: true, force: true });
  try {
    const home = join(root, "home");
    const temp = join(root, "temp");
    const proof = join(root, "proof");
    const store = join(root, "artifacts");
    await Promise.all([home, temp, proof, store].map((path) => mkdir(path)));
    const repository = join(root, "repository");
    const supply = await makeRepository(repository, machine, request);
    await writeFile(join(root, "vars"), dotenv({ ...supply, ...variables, PROOF: proof }));
    const standIns = await makeStandIns(join(root, "actions"), repository);
    if (layers !== undefined) {
      await writeFile(
        join(root, "actions/setup-buildx/setup.json"),
        JSON.stringify(await publishBuilder(root, console.error)),
      );
    }
    // An empty token, or act asks GitHub's command line for the developer's.
    await writeFile(join(root, "secrets"), dotenv({ GITHUB_TOKEN: "", ...secrets }), { mode: 0o600 });

    const port = await findFreePort();
    const bridge = await bridgeArtifacts(port);
    try {
      const { exitCode, log } = await runAct(
        act,
        [
          event,
          ...options,
          ...standIns.flatMap((replacement) => ["--local-repository", replacement]),
          ...["--platform", "ubuntu-latest=-self-hosted"],
          ...["--workflows", `.github/workflows/${workflow}`],
          ...["--artifact-server-path", store],
          ...["--artifact-server-addr", "127.0.0.1"],
          ...["--artifact-server-port", String(port)],
          ...(layers === undefined
            ? ["--no-cache-server"]
            : ["--cache-server-path", layers, "--cache-server-addr", "127.0.0.1"]),
          ...["--var-file", join(root, "vars")],
          ...["--secret-file", join(root, "secrets")],
        ],
        { cwd: repository, env: { ...actEnvironment(home, temp, programs), ACTIONS_RUNTIME_URL: bridge.url } },
        request,
      );
      return { exitCode, log, proof, home, artifacts: await unpack(store, join(root, "unpacked")), dispose };
    } finally {
      await bridge.close();
    }
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Of the developer's environment only what leads to programs and to Docker. */
function actEnvironment(home: string, temp: string, programs?: string): Readonly<Record<string, string>> {
  const first = [...(programs === undefined ? [] : [programs]), dirname(process.execPath)];
  return {
    PATH: [...first, process.env.PATH ?? ""].join(delimiter),
    ...(process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST }),
    ...EXTRA_CA,
    HOME: home,
    TMPDIR: temp,
    // Programs that are installed once, such as those that check workflows.
    BED_CACHE: cacheFolder(),
  };
}

/** The files below a folder whose content includes one of the texts. */
export async function filesWith(folder: string, texts: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    if (texts.some((text) => content.includes(text))) found.push(path);
  }
  return found;
}

/** @returns the workflows' variables: which downloads the Action uses. */
async function makeRepository(
  repository: string,
  machine: Machine,
  { workflow, writeRepository }: ActRequest,
): Promise<Readonly<Record<string, string>>> {
  await (writeRepository?.(repository) ?? copyProject(repository, workflow));
  const supply = await machine.inputs(repository);
  const git = (...args: readonly string[]) => sh("git", ["-C", repository, ...args]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", "https://github.com/example/kind-torch-action");
  await git("add", "--all");
  await git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=Test");
  return {
    CATALOG: basename(supply.catalog ?? ""),
    KIND_MIRROR: supply["kind-mirror"] ?? "",
    KUBECTL_MIRROR: supply["kubectl-mirror"] ?? "",
  };
}

/** The project's files, with all workflows of the tests. */
async function copyProject(repository: string, workflow: string): Promise<void> {
  const workflows = join(repository, ".github/workflows");
  const tests = import.meta.dirname;
  await copyTracked(ROOT, repository);
  const own = await readFile(join(workflows, workflow), "utf8").catch(() => undefined);
  // A workflow that looks at the repository itself, as ci.yml does, sees it as it is.
  if (own === undefined || own.includes("uses: $/")) {
    await cp(join(tests, "observe"), join(repository, ".github/observe"), { recursive: true });
    for (const file of (await readdir(tests)).filter((name) => name.endsWith(".yml"))) {
      await cp(join(tests, file), join(workflows, file));
    }
    for (const file of await readdir(workflows)) {
      const text = await readFile(join(workflows, file), "utf8");
      // act does not know the workflow's own repository by that name.
      await writeFile(join(workflows, file), text.replaceAll("uses: $/", "uses: ./"));
    }
  }
}

/** @returns what act uses in place of the actions that the workflows of a repository name. */
async function makeStandIns(folder: string, repository: string): Promise<readonly string[]> {
  for (const name of ["setup-node", "setup-buildx"]) {
    await cp(join(import.meta.dirname, name), join(folder, name), { recursive: true });
  }
  await cp(join(import.meta.dirname, "cache-action"), join(folder, "cache"), { recursive: true });
  const source = join(import.meta.dirname, "artifact-action");
  const declaration = await readFile(join(source, "action.yml"), "utf8");
  for (const direction of ["upload", "download"]) {
    const place = join(folder, direction);
    await build({ ...bundling, entryPoints: [join(source, "main.ts")], outfile: join(place, "main.mjs") });
    const directed = declaration.replace("direction: { required: true }", `direction: { default: ${direction} }`);
    await writeFile(join(place, "action.yml"), directed);
  }
  const replacements = new Set<string>();
  const workflows = join(repository, ".github/workflows");
  for (const file of await readdir(workflows)) {
    const text = await readFile(join(workflows, file), "utf8");
    for (const [, name, action = ""] of text.matchAll(
      /uses: (\w+\/(setup-node|setup-buildx|\w+(?=-artifact))[\w-]*@\w+)/g,
    )) {
      replacements.add(`${name}=${join(folder, action)}`);
    }
    for (const [, commit] of text.matchAll(/uses: actions\/cache\/\w+@(\w+)/g)) {
      replacements.add(`actions/cache@${commit}=${join(folder, "cache")}`);
    }
  }
  return [...replacements];
}

/** act keeps an artifact as <run>/<name>/<name>.zip. */
async function unpack(store: string, target: string): Promise<ReadonlyMap<string, string>> {
  const unpacked = new Map<string, string>();
  for (const file of (await readdir(store, { recursive: true })).filter((name) => name.endsWith(".zip"))) {
    const name = basename(file, ".zip");
    const folder = join(target, name);
    await mkdir(folder, { recursive: true });
    await sh("unzip", ["-q", join(store, file), "-d", folder]);
    unpacked.set(name, folder);
  }
  return unpacked;
}

async function runAct(
  act: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  { onLine = () => undefined, cancelAt }: Pick<ActRequest, "onLine" | "cancelAt">,
): Promise<{ readonly exitCode: number | null; readonly log: string }> {
  const child = spawn(act, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const printed: Buffer[] = [];
  for (const input of [child.stdout, child.stderr]) {
    input.on("data", (chunk: Buffer) => printed.push(chunk));
    createInterface({ input }).on("line", (line) => {
      onLine(line);
      if (cancelAt?.test(line)) child.kill("SIGINT");
    });
  }
  // An interrupted act still runs the post steps.
  const stop = setTimeout(() => child.kill("SIGINT"), ACT_SECONDS * 1000);
  const kill = setTimeout(() => child.kill("SIGKILL"), (ACT_SECONDS + STOP_SECONDS) * 1000);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    return { exitCode, log: Buffer.concat(printed).toString() };
  } finally {
    clearTimeout(stop);
    clearTimeout(kill);
  }
}

function dotenv(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join("");
}
