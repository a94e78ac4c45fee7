import { join } from "node:path";
import { packDebian } from "./debian-layer.ts";
import { describeImage, type Image, readLayer } from "./image.ts";
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
    phase(log, "probe image", "make its file system", () => packDebian(packages, folder));
  const folder = await part({ name: "probe-image", ingredients: ["1", ...packages], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Cmd: ["sleep", "infinity"] });
}
