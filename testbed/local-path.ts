import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { goBuild, goModule } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Bump when the way of compiling changes. */
const recipe = "1";

/** The only release with a Go module on the proxy; kind 0.26 to 0.30 have it, 0.25 had v0.0.24, 0.33 has v0.0.34. */
const version = "v0.0.30";
const module = "github.com/rancher/local-path-provisioner";
/** At least the version that its go.mod asks for; one build serves every Kubernetes. */
const go = "go1.23.12";

/** The program that provides volumes of the class `standard`: a folder on the node for each claim. */
export async function compileLocalPath(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, `local-path-provisioner ${version}`, "compile", async () => {
      const sources = join(folder, "sources");
      await mkdir(sources);
      await goModule(sources, go, `${module}@${version}`);
      await goBuild({ folder: sources, toolchain: go }, module, join(folder, "local-path-provisioner"));
      await rm(sources, { recursive: true });
    });
  const folder = await part({ name: `local-path-${version}`, ingredients: [recipe, version, go], make }, log);
  return join(folder, "local-path-provisioner");
}

/** The image whose pod makes and removes a volume's folder: sh, mkdir and rm, from the busybox of the layer below. */
export async function localPathHelper(busybox: string, scratch: string): Promise<Image> {
  const root = join(scratch, "local-path-helper");
  await mkdir(join(root, "bin"), { recursive: true });
  for (const tool of ["mkdir", "rm"]) await symlink("busybox", join(root, "bin", tool));
  const file = join(scratch, "local-path-helper.tar");
  await packLayer(root, file);
  return describeImage([await readLayer(busybox), await readLayer(file)], {});
}
