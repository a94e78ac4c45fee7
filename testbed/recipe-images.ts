import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { envoyImage } from "./envoy-image.ts";
import { downloadModule, goInstall } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { docker } from "./machine.ts";
import { part } from "./part.ts";
import { probe, probeImage } from "./probe-image.ts";
import { type Log, phase } from "./progress.ts";
import { pushImage } from "./registry.ts";
import { ports } from "./releases.ts";

/** The programs that the documentation's recipes install, in the versions that it names; each is one Go program. */
const contour = { version: "1.33.6", envoy: "1.38.3", module: "github.com/projectcontour/contour" } as const;
const metricsServer = { version: "0.8.0", module: "sigs.k8s.io/metrics-server" } as const;

/** Writes the manifests that a reader of the recipes would download, as their projects publish them. */
export async function writeRecipeManifests(folder: string): Promise<void> {
  const [{ folder: contourFolder }, { folder: metricsFolder }] = await Promise.all([
    downloadModule(contour.module, `v${contour.version}`),
    downloadModule(metricsServer.module, `v${metricsServer.version}`),
  ]);
  await mkdir(folder, { recursive: true });
  await cp(join(contourFolder, "examples/render/contour.yaml"), join(folder, "contour.yaml"));
  // The file components.yaml of a release is this.
  const output = ["--output", join(folder, "metrics-server.yaml")];
  await run("kubectl", ["kustomize", join(metricsFolder, "manifests/overlays/release"), ...output]);
}

/** Puts the images of the recipes into the test environment's Docker, under their official names. @returns the names. */
export async function publishRecipeImages(log: Log): Promise<readonly string[]> {
  const agnhost = probe.official;
  const images: readonly (readonly [host: string, repository: string, tag: string, make: Promise<Image>])[] = [
    ["ghcr.io", "projectcontour/contour", `v${contour.version}`, programImage("contour", contour, "/bin", log)],
    ["docker.io", "envoyproxy/envoy", `distroless-v${contour.envoy}`, envoyImage(contour.envoy, log)],
    [
      "registry.k8s.io",
      "metrics-server/metrics-server",
      `v${metricsServer.version}`,
      programImage("metrics-server", metricsServer, "/", log),
    ],
    [agnhost.host, agnhost.repository, agnhost.tag, probeImage(log)],
  ];
  await Promise.all(images.map(([, , , make]) => make));
  const names: string[] = [];
  for (const [host, repository, tag, make] of images) {
    await pushImage(await make, repository, tag);
    const local = `127.0.0.1:${ports.registry}/${repository}:${tag}`;
    const official = `${host}/${repository}:${tag}`;
    await docker("pull", "--quiet", local);
    await docker("tag", local, official);
    await docker("image", "rm", local);
    names.push(official);
  }
  return names;
}

/** An image of one static program, as its project makes it. */
async function programImage(
  name: string,
  { version, module }: { readonly version: string; readonly module: string },
  directory: string,
  log: Log,
): Promise<Image> {
  const make = (folder: string): Promise<void> =>
    phase(log, `${name} ${version}`, "compile", async () => {
      const root = join(folder, "root");
      await mkdir(join(root, "tmp"), { recursive: true });
      await goInstall(`${module}/cmd/${name}@v${version}`, join(root, directory));
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const folder = await part({ name: `${name}-image`, ingredients: ["1", version, module], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Entrypoint: [join(directory, name)] });
}
