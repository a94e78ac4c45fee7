import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

export const probe = { repository: "bed/probe", tag: "1" } as const;

const packages = [
  ...["bind9-dnsutils", "busybox", "ca-certificates", "curl", "iproute2", "iptables", "iputils-ping"],
  ...["netcat-openbsd", "openssl", "procps", "python3"],
];

/** Every client that a test wants inside a container or a pod, in one image. */
export async function probeImage(log: Log): Promise<Image> {
  const make = (folder: string): Promise<void> =>
    phase(log, "probe image", "make its file system", async () => {
      const root = join(folder, "root");
      await debootstrap("minbase", packages, root);
      for (const unread of ["var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/locale"]) {
        for (const name of await readdir(join(root, unread)).catch(() => [])) {
          await rm(join(root, unread, name), { recursive: true });
        }
      }
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const folder = await part({ name: "probe-image", ingredients: ["1", ...packages], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Cmd: ["sleep", "infinity"] });
}
