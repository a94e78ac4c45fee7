import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStep } from "../../scripts/local/runner.ts";
import type { Machine } from "../e2e/harness.ts";
import { type Finding, judge } from "./judge.ts";
import type { Kind } from "./kind.ts";
import { configurationInput, type GivenConfiguration, type InputSet } from "./plan.ts";

/** What the sets are tried with. */
export interface Tools {
  readonly machine: Machine;
  readonly kind: Kind;
}

/** A step that has not ended by itself by then hangs. */
const MAX_SECONDS = 120;

/** Runs main of the bundle where there is no Docker, and asks kind about the same configuration. */
export async function runSet(set: InputSet, { machine, kind }: Tools): Promise<Finding> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-inputs-"));
  try {
    const folders = { workspace: join(root, "workspace"), temp: join(root, "temp"), toolCache: join(root, "tools") };
    const empty = join(root, "bin");
    await Promise.all([...Object.values(folders), empty].map((folder) => mkdir(folder)));
    const given = set.configuration === undefined ? undefined : configurationInput(set.configuration);
    const text = given === undefined ? undefined : bytesOf(set.configuration);
    if (text !== undefined) await writeFile(join(folders.workspace, "kind.yaml"), text);
    const inputs = {
      ...(await machine.inputs(folders.temp)),
      ...(set.latest ? { "kubernetes-version": "latest" } : {}),
      ...Object.fromEntries(Object.entries(set.inputs).map(([name, value]) => [name, value.text])),
      ...(given === undefined ? {} : { "kind-config": given }),
    };
    const before = await readdir(root, { recursive: true });
    const environment = { PATH: empty, HOME: root, DOCKER_HOST: "" };
    let timer: NodeJS.Timeout | undefined;
    const onStart = (pid: number) => {
      timer = setTimeout(() => process.kill(pid, "SIGKILL"), MAX_SECONDS * 1000);
    };
    const [result, verdict] = await Promise.all([
      runStep({ entry: "main", folders, inputs, environment, onStart }).finally(() => clearTimeout(timer)),
      text === undefined ? undefined : kind.judge(text, set.latest),
    ]);
    const after = await readdir(root, { recursive: true });
    const made = after.filter((path) => !before.includes(path) && path !== "temp/_runner_file_commands");
    return judge(set, { result, made, verdict });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function bytesOf(configuration: GivenConfiguration | undefined): Buffer {
  if (configuration === undefined) return Buffer.alloc(0);
  const { text, encoding } = configuration;
  // A text in UTF-16 begins with its byte order mark.
  return Buffer.from(encoding === "utf16le" ? `\ufeff${text}` : text, encoding);
}
