import { cp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { envoyImage } from "./envoy-image.ts";
import { downloadModule, goBuild, goModule } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { compilePrograms } from "./kubernetes.ts";
import { docker } from "./machine.ts";
import { part } from "./part.ts";
import { probe, probeImage } from "./probe-image.ts";
import { type Log, phase } from "./progress.ts";
import { pushImage } from "./registry.ts";
import { ports, releaseOf } from "./releases.ts";

/** The programs of the documentation's recipes, in the versions that it names. `envoy` is the one in Contour's manifest. */
const contour = { module: "github.com/projectcontour/contour", version: "1.33.6", envoy: "1.38.3" } as const;
const metricsServer = { module: "sigs.k8s.io/metrics-server", version: "0.8.0" } as const;
const helm = { module: "helm.sh/helm/v3", version: "3.19.5" } as const;

/** This machine's, or a newer one if a go.mod asks for it. */
const go = "auto";

/** The manifests that a reader downloads, as their projects publish them. @returns the folder with both. */
export async function recipeManifests(official: boolean, log: Log): Promise<string> {
  const make = async (folder: string): Promise<void> => {
    const ofContour = await downloadModule(contour.module, `v${contour.version}`);
    const ofMetrics = await downloadModule(metricsServer.module, `v${metricsServer.version}`);
    await cp(join(ofContour.folder, "examples/render/contour.yaml"), join(folder, "contour.yaml"));
    // What a release has as components.yaml.
    const kubectl = official ? "kubectl" : (await compilePrograms(releaseOf("1.28"), log)).kubectl;
    const output = ["--output", join(folder, "metrics-server.yaml")];
    await run(kubectl, ["kustomize", join(ofMetrics.folder, "manifests/overlays/release"), ...output]);
  };
  const ingredients = ["1", contour.version, metricsServer.version];
  return await part({ name: "recipe-manifests", ingredients, make }, log);
}

/** Helm, which GitHub's machines have, in a folder of its own. */
export async function helmFolder(log: Log): Promise<string> {
  return join(await compileRecipes(log), "bin");
}

/** Puts the recipes' images into the test environment's Docker, under their official names. @returns the names. */
export async function publishRecipeImages(log: Log): Promise<readonly string[]> {
  const programs = compileRecipes(log);
  const { host, repository, tag } = probe.official;
  const images: ReadonlyMap<string, Promise<Image>> = new Map([
    [`ghcr.io/projectcontour/contour:v${contour.version}`, programs.then((folder) => programImage(folder, "contour"))],
    [`docker.io/envoyproxy/envoy:distroless-v${contour.envoy}`, envoyImage(contour.envoy, log)],
    [
      `registry.k8s.io/metrics-server/metrics-server:v${metricsServer.version}`,
      programs.then((folder) => programImage(folder, "metrics-server")),
    ],
    [`${host}/${repository}:${tag}`, probeImage(log)],
  ]);
  await Promise.all(images.values());
  for (const [name, image] of images) await publish(name, await image);
  return [...images.keys()];
}

async function publish(name: string, image: Image): Promise<void> {
  const [, repository = "", tag = ""] = /^[^/]+\/(.+):([^:]+)$/.exec(name) ?? [];
  await pushImage(image, repository, tag);
  const local = `127.0.0.1:${ports.registry}/${repository}:${tag}`;
  await docker("pull", "--quiet", local);
  await docker("tag", local, name);
  await docker("image", "rm", local);
}

/** In one module, so that what they share, mostly Kubernetes' client, is compiled once. @returns their folder. */
async function compileRecipes(log: Log): Promise<string> {
  const targets = [
    `${contour.module}/cmd/contour`,
    `${metricsServer.module}/cmd/metrics-server`,
    `${helm.module}/cmd/helm`,
  ];
  const versions = [contour, metricsServer, helm].map(({ module, version }) => `${module}@v${version}`);
  const make = (folder: string): Promise<void> =>
    phase(log, "contour, metrics-server and helm", "compile", async () => {
      const sources = join(folder, "sources");
      await Promise.all(["sources", "bin", "built"].map((name) => mkdir(join(folder, name))));
      await goModule(sources, go, versions);
      await goBuild({ folder: sources, toolchain: go }, targets, join(folder, "built/"));
      await rename(join(folder, "built/helm"), join(folder, "bin/helm"));
      for (const name of ["contour", "metrics-server"]) {
        const root = join(folder, name);
        await mkdir(join(root, "bin"), { recursive: true });
        await rename(join(folder, "built", name), join(root, "bin", name));
        await packLayer(root, join(folder, `${name}.tar`));
        await rm(root, { recursive: true });
      }
      for (const done of [sources, join(folder, "built")]) await rm(done, { recursive: true });
    });
  return await part({ name: "recipes", ingredients: ["1", go, ...versions], make }, log);
}

/** An image of one static program, as its project makes it. */
async function programImage(folder: string, name: string): Promise<Image> {
  return describeImage([await readLayer(join(folder, `${name}.tar`))], { Entrypoint: [`/bin/${name}`] });
}
