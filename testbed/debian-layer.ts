import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { packLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";

/** A small Debian with these packages, packed into `layer.tar` of the folder without what is not read in a container. */
export async function packDebian(
  packages: readonly string[],
  folder: string,
  unread: readonly string[] = [],
): Promise<void> {
  const root = join(folder, "root");
  await debootstrap("minbase", packages, root);
  for (const each of ["var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/locale"]) {
    for (const name of await readdir(join(root, each)).catch(() => [])) {
      await rm(join(root, each, name), { recursive: true });
    }
  }
  for (const name of unread) await rm(join(root, name), { recursive: true });
  await packLayer(root, join(folder, "layer.tar"));
  await rm(root, { recursive: true });
}
