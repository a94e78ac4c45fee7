import { stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { sh } from "../harness.ts";
import { readLayers } from "../torch.ts";
import { type DiskResult, dockerFolders, searchDisk } from "./disk.ts";
import type { Secret } from "./needles.ts";
import type { Trace } from "./traces.ts";
import { CLUSTER, type WholeRun } from "./whole-run.ts";

/** The modes of a run's folder and of what in it holds a secret. */
export async function readModes(folder: string, found: readonly Trace[]): Promise<readonly string[]> {
  const files = new Set(found.map(({ place }) => place).filter((place) => place.startsWith(folder)));
  const read = [folder, ...files].map(async (path) => ((await stat(path)).mode & 0o777).toString(8));
  return await Promise.all(read);
}

/** Searches all of this machine that a run could have written to since a time, and all that Docker keeps. */
export async function searchMachine(
  secrets: readonly Secret[],
  { run, builder }: Pick<WholeRun, "run" | "builder">,
  since: number,
): Promise<DiskResult> {
  const { folders } = run;
  // A machine's temporary folder may be elsewhere than the run's folders, and the tool cache outside of HOME.
  const roots = [...new Set([tmpdir(), homedir(), join(folders.workspace, ".."), folders.toolCache])];
  const outer = roots.filter((path) => !roots.some((each) => path !== each && path.startsWith(`${each}/`)));
  const own = await dockerFolders((name) => name.startsWith(CLUSTER));
  const root = await sh("docker", ["info", "--format={{.DockerRootDir}}"]);
  // Where Docker keeps a running container's files, they have names that say nothing.
  const engineRoots = own.some(({ place }) => place.startsWith("container")) ? own : [{ path: root, place: root }];
  const [files, engine] = await Promise.all([
    searchDisk(secrets, {
      ...{ roots: outer.map((path) => ({ path, place: path })), since, byContentAlone: false },
      // The test's own: what the services were given, and Docker's configuration.
      without: [builder.folder, root],
    }),
    searchDisk(secrets, { roots: engineRoots, since, byContentAlone: true, without: [] }),
  ]);
  return {
    found: [...files.found, ...engine.found],
    skipped: [...files.skipped, ...engine.skipped],
    files: files.files + engine.files,
  };
}

/** The layers, the configuration and the history of each image that the run has built. */
export async function readImages(): Promise<ReadonlyMap<string, Buffer>> {
  const all = new Map<string, Buffer>();
  for (const component of ["dashboard", "engine", "services"]) {
    const image = await sh("docker", ["inspect", "--format={{.Config.Image}}", `${CLUSTER}-${component}`]);
    for (const [name, bytes] of await readLayers(image)) all.set(`${component}'s image: ${name}`, bytes);
    const history = await sh("docker", ["history", "--no-trunc", image]);
    all.set(`${component}'s history`, Buffer.from(history));
  }
  return all;
}
