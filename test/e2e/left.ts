import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ActionRun, processesNaming, sh } from "./harness.ts";

/** Everything that Docker has and a run could have made, by its kind and its identity. */
export async function dockerObjects(): Promise<ReadonlySet<string>> {
  const list = async (kind: string, ...args: readonly string[]) =>
    (await sh("docker", [kind, "ls", ...args])).split("\n").flatMap((id) => (id === "" ? [] : [`${kind} ${id}`]));
  const lists = await Promise.all([
    list("container", "--all", "--format={{.ID}} {{.Names}}"),
    list("network", "--format={{.ID}} {{.Name}}"),
    list("volume", "--format={{.Name}}"),
    list("image", "--filter=reference=kind-torch/*", "--format={{.ID}} {{.Repository}}"),
  ]);
  return new Set(lists.flat());
}

/**
 * What is left of a run after its post: what Docker has more than before, but for kind's network, which is every
 * cluster's; processes and folders of the run; an entry in the user's own kubeconfig.
 */
export async function findLeft(
  run: Pick<ActionRun, "folders">,
  cluster: string,
  before: ReadonlySet<string>,
): Promise<readonly string[]> {
  const objects = [...(await dockerObjects())].filter((each) => !before.has(each) && !/^network \S+ kind$/.test(each));
  const processes = await processesNaming(`${run.folders.temp}/kind-torch-`);
  const folders = (await readdir(run.folders.temp)).filter((name) => name.startsWith("kind-torch-"));
  const kubeconfig = join(process.env.HOME ?? "/", ".kube/config");
  const home = await readFile(kubeconfig, "utf8").catch(() => "");
  return [
    ...objects,
    ...processes.map((line) => `process ${line}`),
    ...folders.map((name) => `folder ${name}`),
    ...(home.includes(cluster) ? [`entry in ${kubeconfig}`] : []),
  ];
}
