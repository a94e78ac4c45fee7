import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { goBuild, goModule, goTest, type Module } from "./go-build.ts";
import { readText } from "./image.ts";
import { kubernetesSources, versionStamp } from "./kubernetes.ts";
import { writeKubernetesModule } from "./kubernetes-module.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** Bump when the way of compiling changes. */
const recipe = "1";

/** Kubernetes' end-to-end tests and what runs them. */
export type ConformancePrograms = {
  /** `e2e.test`, as in Kubernetes' own archive of tests. */
  readonly tests: string;
  readonly ginkgo: string;
  /** The images that the tests name, by their official names. */
  readonly images: readonly string[];
};

/** Compiled from the module of this version. */
export async function conformancePrograms(release: Release, log: Log): Promise<ConformancePrograms> {
  const { patch, go } = release;
  const make = (folder: string): Promise<void> =>
    inModule(release, folder, log, async (place, module) => {
      const [tests, stamp] = [join(folder, "e2e.test"), versionStamp(release, module)];
      const name = `conformance ${patch}`;
      await phase(log, name, "compile the tests", () => goTest(place, "k8s.io/kubernetes/test/e2e", tests, stamp));
      await phase(log, name, "compile ginkgo", () =>
        goBuild(place, "github.com/onsi/ginkgo/v2/ginkgo", join(folder, "ginkgo")),
      );
      await writeFile(join(folder, "images"), await run(tests, ["--list-images"]));
    });
  const folder = await part({ name: `conformance-${patch}`, ingredients: [recipe, patch, go], make }, log);
  const images = (await readText(join(folder, "images"))).split("\n");
  return { tests: join(folder, "e2e.test"), ginkgo: join(folder, "ginkgo"), images };
}

/**
 * A folder with the programs of the tests' images: `agnhost`, `nnp`, `sample-apiserver`, and the files of `kitten` and
 * `nautilus`.
 */
export async function imagePrograms(release: Release, images: readonly string[], log: Log): Promise<string> {
  const { patch, go } = release;
  const sample = sampleVersion(images);
  const make = (folder: string): Promise<void> =>
    inModule(release, folder, log, (place, module) =>
      phase(log, `conformance ${patch}`, "compile the programs of the tests' images", async () => {
        const sources = "k8s.io/kubernetes/test/images";
        await goBuild(place, `${sources}/agnhost`, join(folder, "agnhost"));
        await goBuild(place, `${sources}/nonewprivs`, join(folder, "nnp"));
        await copyFiles(join(module.folder, "test/images"), folder);
        await compileSampleServer(sample, folder, go);
      }),
    );
  return await part({ name: `conformance-programs-${patch}`, ingredients: [recipe, patch, go, sample], make }, log);
}

/** Where Go builds. */
type Place = { readonly folder: string; readonly toolchain: string };

/** Works in Kubernetes' module, of which nothing is kept. */
async function inModule(
  release: Release,
  folder: string,
  log: Log,
  work: (place: Place, module: Module) => Promise<void>,
): Promise<void> {
  const name = `conformance ${release.patch}`;
  const module = await phase(log, name, "download the sources", () => kubernetesSources(release));
  const sources = join(folder, "sources");
  await writeKubernetesModule(sources, module, release);
  await work({ folder: sources, toolchain: release.go }, module);
  await rm(sources, { recursive: true });
}

async function copyFiles(images: string, folder: string): Promise<void> {
  for (const file of ["localhost.crt", "localhost.key"]) {
    await copyFile(join(images, "agnhost/porter", file), join(folder, file));
  }
  for (const name of ["kitten", "nautilus"]) {
    await mkdir(join(folder, name));
    for (const file of [`${name}.jpg`, "data.json"]) {
      await copyFile(join(images, name, "html", file), join(folder, name, file));
    }
  }
}

/** Of the module that the image was made of: an older one than the cluster's, by intent. */
function sampleVersion(images: readonly string[]): string {
  const version = /\/sample-apiserver:1\.([\d.]+)/.exec(images.join("\n"))?.[1];
  if (version === undefined) throw new Error("the tests name no image of the sample API server");
  return `v0.${version}`;
}

/** The API server that the test of the aggregator adds. */
async function compileSampleServer(version: string, folder: string, toolchain: string): Promise<void> {
  const sources = join(folder, "sample");
  await mkdir(sources);
  // What old versions require of x/sys does not compile with Go 1.18 and later.
  await goModule(sources, toolchain, [`k8s.io/sample-apiserver@${version}`, "golang.org/x/sys@v0.15.0"]);
  await goBuild({ folder: sources, toolchain }, "k8s.io/sample-apiserver", join(folder, "sample-apiserver"));
  await rm(sources, { recursive: true });
}
