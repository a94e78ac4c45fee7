import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import type { Machine } from "../e2e/harness.ts";
import { installKind, type PlainKind } from "../e2e/plain-kind.ts";

/** What kind says to a configuration. */
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly words: string };

/** The real kind, of the releases that the Action chooses by default and for the newest Kubernetes. */
export interface Kind {
  /** Whether kind creates a cluster from this configuration. */
  judge(configuration: string | Buffer, latest: boolean): Promise<Verdict>;
  dispose(): Promise<void>;
}

/** kind ends long before; a limit for one that hangs. */
const MAX_SECONDS = 120;

/** Gets kind as the Action does. */
export async function prepareKind(machine: Machine): Promise<Kind> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-inputs-kind-"));
  const bin = join(root, "bin");
  await mkdir(bin);
  await copyFile(join(import.meta.dirname, "fake-docker.sh"), join(bin, "docker"));
  await chmod(join(bin, "docker"), 0o755);
  const usual = await installKind(machine, "1.28", join(root, "kind"));
  const newest = await installKind(machine, "latest", join(root, "kind-latest"));
  let count = 0;
  return {
    judge: async (configuration, latest) => {
      count += 1;
      const folder = join(root, String(count));
      await mkdir(folder);
      await writeFile(join(folder, "kind.yaml"), configuration);
      const verdict = await create(latest ? newest : usual, folder, bin);
      await rm(folder, { recursive: true });
      return verdict;
    },
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

async function create({ kind, kubernetes }: PlainKind, folder: string, bin: string): Promise<Verdict> {
  const env = {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: folder,
    KIND_EXPERIMENTAL_PROVIDER: "docker",
    FAKE_DOCKER_STATE: folder,
    FAKE_DOCKER_KUBERNETES: `v${kubernetes}`,
  };
  const args = ["create", "cluster", "--config=kind.yaml", "--kubeconfig=kubeconfig", "--retain"];
  const child = spawn(kind, args, {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: MAX_SECONDS * 1000,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [words, code] = await Promise.all([readText(child.stderr), ended]);
  const accepted = await stat(join(folder, "accepted")).then(
    () => true,
    () => false,
  );
  if (accepted) return { accepted };
  // What the fake does not know says nothing about the configuration.
  if (code === null || words.includes("fake-docker has no answer")) throw new Error(`kind was not asked: ${words}`);
  return {
    accepted,
    words: words
      .slice(Math.max(words.indexOf("ERROR"), 0))
      .slice(0, 500)
      .trim(),
  };
}
