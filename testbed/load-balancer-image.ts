import { copyFile, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder, fingerprint } from "./cache.ts";
import { envoyImage } from "./envoy-image.ts";
import { downloadModule } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

export type LoadBalancer = { readonly repository: string; readonly tag: string; readonly image: Image };

const packages = ["haproxy", "busybox-static"];
/** kind writes this one. */
const configuration = "/usr/local/etc/haproxy/haproxy.cfg";
const limitsConfiguration = "/usr/local/etc/haproxy/limits.cfg";

/** What kind puts in front of several control planes: haproxy until 0.31, Envoy from 0.32 on. */
export async function loadBalancerImage(kind: string, log: Log): Promise<LoadBalancer> {
  const module = await downloadModule("sigs.k8s.io/kind", `v${kind}`);
  const constants = await readFile(join(module.folder, "pkg/cluster/internal/loadbalancer/const.go"), "utf8");
  const [, repository, tag] = /"docker\.io\/([a-z]+\/[a-z]+):([^"]+)"/.exec(constants) ?? [];
  if (repository === undefined || tag === undefined) throw new Error(`kind ${kind} names no image of a load balancer`);
  switch (repository) {
    case "kindest/haproxy":
      return { repository, tag, image: await haproxyImage(kind, module.folder, log) };
    case "envoyproxy/envoy":
      return { repository, tag, image: await envoyImage(tag.replace(/^v/, ""), log) };
    default:
      throw new Error(`kind ${kind} has a load balancer that is not known here: ${repository}`);
  }
}

async function haproxyImage(kind: string, module: string, log: Log): Promise<Image> {
  const limits = join(dataFolder, "load-balancer-limits.cfg");
  const make = (folder: string): Promise<void> =>
    phase(log, "load balancer", "make its file system", async () => {
      const root = join(folder, "root");
      await debootstrap("extract", packages, root);
      for (const unread of ["usr/share", "var/cache", "var/lib"]) await rm(join(root, unread), { recursive: true });
      // kind writes the configuration with these.
      for (const tool of ["cp", "kill", "mkdir", "sh"]) {
        await rm(join(root, "bin", tool), { force: true });
        await symlink("busybox", join(root, "bin", tool));
      }
      await mkdir(join(root, "usr/local/etc/haproxy"), { recursive: true });
      await copyFile(join(module, "images/haproxy/haproxy.cfg"), join(root, configuration));
      await copyFile(limits, join(root, limitsConfiguration));
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const ingredients = ["2", kind, ...packages, await fingerprint(limits)];
  const folder = await part({ name: `load-balancer-kind-${kind}`, ingredients, make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], {
    Entrypoint: ["haproxy", "-W", "-db", "-f", limitsConfiguration, "-f", configuration],
    StopSignal: "SIGUSR1",
  });
}
