import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { packDebian } from "./debian-layer.ts";
import { downloadModule, goBuild } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { writeKubernetesModule } from "./kubernetes-module.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import { releaseOf } from "./releases.ts";

/** The image that tests run as containers and pods; `official` is its name where images can be pulled. */
export const probe = {
  repository: "bed/probe",
  tag: "2",
  official: { host: "registry.k8s.io", repository: "e2e-test-images/agnhost", tag: "2.53" },
} as const;

/** The tools that the official image has in addition to those of busybox, and no others: no openssl, no python3. */
const packages = ["bind9-dnsutils", "busybox", "curl", "iperf", "iproute2", "netcat-openbsd"];
/** What Debian has and Alpine does not, or has with other options: a test that uses it fails here as it would there. */
const absent = ["usr/bin/getent", "usr/bin/perl"];

/**
 * Kubernetes' agnhost, compiled from its module, with the entry point of the official image
 * (test/images/agnhost/Dockerfile of k8s.io/kubernetes) on Debian in place of Alpine.
 */
export async function probeImage(log: Log): Promise<Image> {
  const release = releaseOf("1.28");
  const make = async (folder: string): Promise<void> => {
    await phase(log, "probe image", "make its file system", () => packDebian(packages, folder, absent));
    await phase(log, "probe image", "compile agnhost", async () => {
      const sources = join(folder, "sources");
      const module = await downloadModule("k8s.io/kubernetes", `v${release.patch}`);
      await writeKubernetesModule(sources, module, release);
      const root = join(folder, "agnhost");
      await mkdir(join(root, "uploads"), { recursive: true });
      await goBuild(
        { folder: sources, toolchain: release.go },
        "k8s.io/kubernetes/test/images/agnhost",
        join(root, "agnhost"),
      );
      await symlink("agnhost", join(root, "agnhost-2"));
      await packLayer(root, join(folder, "agnhost.tar"));
      for (const done of [sources, root]) await rm(done, { recursive: true });
    });
  };
  const ingredients = ["2", release.patch, release.go, ...packages, ...absent];
  const folder = await part({ name: "probe-image", ingredients, make }, log);
  const layers = await Promise.all(["layer.tar", "agnhost.tar"].map((name) => readLayer(join(folder, name))));
  return describeImage(layers, { Entrypoint: ["/agnhost"], Cmd: ["pause"] });
}
