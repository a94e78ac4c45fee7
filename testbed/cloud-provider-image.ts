import { copyFile, cp, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
import { downloadModule, goBuild } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

const version = "v0.10.0";
const module = "sigs.k8s.io/cloud-provider-kind";
/** At least the version that its go.mod asks for. */
const go = "go1.24.9";

/** Where Docker looks for the provider of load balancers. The official image is on registry.k8s.io. */
export const cloudProvider = { repository: "cloud-provider-kind/cloud-controller-manager", tag: version } as const;

/** The proxy that it starts, in the version of the official catalog. */
export const cloudProxy = { repository: "envoyproxy/envoy", tag: "v1.38.3", version: "1.38.3" } as const;

/** Docker's client, and the libraries of Debian's build. */
const client = "/usr/bin/docker";
const libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
const tools = ["chmod", "mkdir", "sh"];

/** As the official image: the program, and Docker's client with a shell. */
export async function cloudProviderImage(log: Log): Promise<Image> {
  const make = async (folder: string): Promise<void> => {
    const root = join(folder, "root");
    await phase(log, "cloud-provider-kind", "make its file system", async () => {
      await debootstrap("extract", ["busybox-static"], root);
      for (const tool of tools) {
        await rm(join(root, "bin", tool), { force: true });
        await symlink("busybox", join(root, "bin", tool));
      }
      await mkdir(join(root, "usr/local/bin"), { recursive: true });
      await copyFile(client, join(root, "usr/local/bin/docker"));
      for (const library of libraries) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(library, join(root, library));
      }
    });
    await phase(log, "cloud-provider-kind", "compile", async () => {
      // A module in the cache cannot be built in place: its folder is read-only, and go.sum may have to grow.
      const sources = join(folder, "sources");
      await cp((await downloadModule(module, version)).folder, sources, { recursive: true });
      await run("chmod", ["-R", "u+w", sources]);
      await goBuild({ folder: sources, toolchain: go }, ".", join(root, "bin/cloud-provider-kind"));
      await rm(sources, { recursive: true });
    });
    await packLayer(root, join(folder, "layer.tar"));
    await rm(root, { recursive: true });
  };
  const docker = (await run(client, ["--version"])).trim();
  const folder = await part({ name: "cloud-provider", ingredients: ["1", version, go, docker, ...tools], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Entrypoint: ["/bin/cloud-provider-kind"] });
}
