import { copyFile, link, mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { IMAGES_MOUNT } from "../cluster/config/render.ts";
import type { Creation } from "../cluster/create.ts";
import { importArchive, type MountedArchive } from "../cluster/load-images.ts";
import { copyNodeFiles, removeNodeFile } from "../cluster/node-files.ts";
import { findNodes } from "../cluster/ownership.ts";
import type { StepContext } from "../context.ts";
import { enginePath } from "../docker/engine-paths.ts";
import { findPlatform } from "../docker/images.ts";
import { isPlatform } from "../docker/platforms.ts";
import { pullImage } from "../docker/pull.ts";
import { saveImages } from "../docker/save.ts";
import { errorCode, Failure } from "../errors.ts";

/** An image that every node has, and where it came from. */
export interface LoadedImage {
  readonly image: string;
  readonly origin: string;
}

/** The images for the nodes, while they are got ready. */
export interface ImageLoad {
  /** The folder that the nodes mount. */
  readonly folder: string;
  /** Settles when Docker has all that is not in an archive. */
  readonly present: Promise<unknown>;
  /** Archives in that folder, with where their images came from. */
  readonly archives: readonly Promise<LoadableArchive>[];
  readonly images: readonly string[];
}

/** An archive in the folder that the nodes mount. */
interface LoadableArchive extends MountedArchive {
  readonly origins: readonly LoadedImage[];
}

/** Begins to get the images for the nodes ready. `undefined` where none is asked for. */
export async function beginImages(context: StepContext): Promise<ImageLoad | undefined> {
  const { plan, tasks } = context;
  if (plan.load === undefined) return undefined;
  const { references, archives } = plan.load;
  const folder = join(plan.runDirectory, "images");
  await mkdir(folder, { mode: 0o700 });
  const placed = archives.map((archive, index) =>
    tasks.begin(async () => {
      const file = `archive-${index + 1}.tar`;
      await placeArchive(archive.path, join(folder, file));
      const origins = archive.images.map((image) => ({ image, origin: `archive ${archive.path}` }));
      return { file, images: archive.images, origins };
    }),
  );
  const present = tasks.begin(() => Promise.all(references.map((image) => getImage(image, context))));
  const saved = references.length === 0 ? [] : [tasks.begin(async () => saveAll(await present, folder, context))];
  return {
    folder,
    present,
    archives: [...placed, ...saved],
    images: [...archives.flatMap(({ images }) => images), ...references],
  };
}

/** Gives the nodes a user's archive without copying it, where both folders are on one file system. */
async function placeArchive(path: string, place: string): Promise<void> {
  const real = await realpath(path);
  try {
    await link(real, place);
  } catch (error) {
    // Another file system, one without links, or a file of another user's (fs.protected_hardlinks).
    if (!["EXDEV", "EPERM", "EACCES", "ENOTSUP", "EMLINK"].includes(errorCode(error) ?? "")) throw error;
    await copyFile(real, place);
  }
}

async function getImage(image: string, { host, exec, log, timeline }: StepContext): Promise<LoadedImage> {
  return await timeline.measure("Pull image", async () => {
    try {
      const how = await pullImage(image, exec, log.debug);
      const origin = how === "present" ? "in Docker already" : "pulled";
      log.info(`${image}: ${origin}`);
      const [platform, own] = [await findPlatform(image, exec), `linux/${host.architecture}`];
      if (!isPlatform(platform, own)) {
        log.warning(
          `load-images: ${image} is for ${platform}, and the nodes are ${own}: its pods start only where this machine emulates that processor. Fix: build or pull it for ${own}.`,
        );
      }
      return { image, origin };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new Failure(`load-images: ${image} is not in this job's Docker, and cannot be pulled. ${error.message}`, {
        fix: `build it or load it into Docker in an earlier step (docker buildx build --load, docker load); if it is in a registry, ${error.fix}`,
        cause: error,
        retryable: false,
      });
    }
  });
}

async function saveAll(
  origins: readonly LoadedImage[],
  folder: string,
  context: StepContext,
): Promise<LoadableArchive> {
  const { plan, exec, timeline } = context;
  const images = origins.map(({ image }) => image);
  const file = "docker.tar";
  await timeline.measure("Save images", () => saveImages(images, join(folder, file), plan.load?.platform, exec));
  return { file, images, origins };
}

/** Loads the images into every node of a create that is under way, as soon as the nodes run. */
export async function loadImages(
  { plan, host, journal, exec, log, timeline }: StepContext,
  load: ImageLoad | undefined,
  { configured, signal }: Creation,
): Promise<readonly LoadedImage[]> {
  if (load === undefined) return [];
  await configured;
  const nodes = await findNodes(journal.state, plan.shape.nodes, exec);
  const mounted = enginePath(host.site, load.folder) !== undefined;
  const loaded: LoadedImage[] = [];
  for (const archive of load.archives) {
    const ready = await archive;
    await timeline.measure("Load images", () =>
      Promise.all(
        nodes.map(async (node) => {
          if (!mounted) await copyNodeFiles(node, [copyOf(ready, load)], exec, signal);
          await importArchive(node, ready, exec, signal);
          if (!mounted) await removeNodeFile(node, copyOf(ready, load).target, exec, signal);
        }),
      ),
    );
    for (const { image, origin } of ready.origins) log.info(`${image}: on all ${nodes.length} node(s) (${origin})`);
    loaded.push(...ready.origins);
  }
  return loaded;
}

/** An archive that the nodes cannot mount. */
function copyOf({ file }: MountedArchive, { folder }: ImageLoad) {
  return { path: join(folder, file), target: join(IMAGES_MOUNT, file) };
}

/** Nobody needs them any more: the nodes have copies of their own, or there is no cluster. */
export async function removeArchives(load: ImageLoad | undefined): Promise<void> {
  if (load !== undefined) await rm(load.folder, { recursive: true, force: true });
}
