import { readFile, stat, statfs } from "node:fs/promises";
import type { DockerEngine } from "../docker/engine.ts";

/** How much room there is in a folder. */
export interface FreeDisk {
  readonly folder: string;
  readonly bytes: number;
}

/** What is free where Docker keeps its data; `undefined` if that cannot be seen. */
export interface FreeDisks {
  readonly images: FreeDisk | undefined;
  /** Where volumes lie (a node's /var); `undefined` too if that is on the disk of the images. */
  readonly volumes: FreeDisk | undefined;
}

/** Measures the disks of an engine of this machine. */
export async function measureDisks({
  dataRoot,
  imageStore,
}: Pick<DockerEngine, "dataRoot" | "imageStore">): Promise<FreeDisks> {
  if (imageStore === undefined || imageStore === "") return { images: await measureFree(dataRoot), volumes: undefined };
  const configuration = await readFile(CONTAINERD_CONFIGURATION, "utf8").catch(() => "");
  const imageRoot = readContainerdRoot(configuration);
  const [images, volumes] = await Promise.all([measureFree(imageRoot), measureFree(dataRoot)]);
  return { images, volumes: (await isSameDisk(imageRoot, dataRoot)) ? undefined : volumes };
}

const CONTAINERD_CONFIGURATION = "/etc/containerd/config.toml";

/** Where a containerd keeps its data, from its configuration: a key before the first table (containerd-config.toml(5)). */
export function readContainerdRoot(configuration: string): string {
  const [top = ""] = configuration.split(/^\s*\[/m);
  return /^\s*root\s*=\s*["']([^"'\n]+)["']/m.exec(top)?.[1] ?? "/var/lib/containerd";
}

async function measureFree(folder: string): Promise<FreeDisk | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { folder, bytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

async function isSameDisk(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((folder) => stat(folder).catch(() => undefined)));
  return one !== undefined && one.dev === other?.dev;
}
