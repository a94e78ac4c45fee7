import { copyFile, cp, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { goBuild, goBuildOwn, goModule } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { isOfficial } from "./machine.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import { pushImage } from "./registry.ts";
import { ports } from "./releases.ts";

const buildkit = { path: "github.com/moby/buildkit", version: "v0.34.2" } as const;
/** As new as GitHub's runners have it: Debian's does not know the second version of the cache service. */
const buildx = { path: "github.com/docker/buildx", version: "v0.38.2" } as const;
const act = { path: "github.com/nektos/act", version: "v0.2.89" } as const;

/** What buildx's docker-container driver starts. */
const builder = { repository: "moby/buildkit", tag: "buildx-stable-1" } as const;

/** The libraries of Debian's build. */
const runc = "/usr/sbin/runc";
const libraries = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/x86_64-linux-gnu/libseccomp.so.2",
  "/lib64/ld-linux-x86-64.so.2",
];

/** How a builder of the docker-container driver is created on this machine. */
export interface BuilderSetup {
  /** A folder for `DOCKER_CONFIG`'s `cli-plugins`, with buildx. */
  readonly plugins: string;
  /** Options of `docker buildx create`. */
  readonly options: readonly string[];
}

/**
 * Makes BuildKit available to buildx under its official name. Its builders use the machine's network: a cache server and
 * the registry of the test environment listen on loopback.
 */
export async function publishBuilder(folder: string, log: Log): Promise<BuilderSetup> {
  const network = ["--driver=docker-container", "--driver-opt=network=host"];
  if (await isOfficial()) return { plugins: "", options: network };
  const [image, plugin] = await Promise.all([builderImage(log), buildxPlugin(log)]);
  await pushImage(image, builder.repository, builder.tag);
  const registry = `127.0.0.1:${ports.registry}`;
  const config = join(folder, "buildkitd.toml");
  await writeFile(
    config,
    `[registry."docker.io"]\nmirrors = ["${registry}"]\n[registry."${registry}"]\nhttp = true\ninsecure = true\n`,
  );
  return { plugins: plugin, options: [...network, `--config=${config}`] };
}

/** BuildKit's daemon and its client, which buildx talks through, with runc and the certificates of CAs. */
async function builderImage(log: Log): Promise<Image> {
  const make = async (folder: string): Promise<void> => {
    const root = join(folder, "root");
    await phase(log, "BuildKit", "make its file system", async () => {
      await debootstrap("extract", ["busybox-static"], root);
      await symlink("busybox", join(root, "bin/sh")).catch(() => undefined);
      for (const place of ["usr/bin", "tmp", "etc/ssl/certs", "var/lib/buildkit"]) {
        await mkdir(join(root, place), { recursive: true });
      }
      await cp("/etc/ssl/certs/ca-certificates.crt", join(root, "etc/ssl/certs/ca-certificates.crt"));
      await copyFile(runc, join(root, "usr/bin/runc"));
      for (const library of libraries) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(library, join(root, library));
      }
    });
    await phase(log, `BuildKit ${buildkit.version}`, "compile", async () => {
      const version = `-s -w -X ${buildkit.path}/version.Version=${buildkit.version}`;
      await goBuildOwn(buildkit, ["cmd/buildkitd", "cmd/buildctl"], join(folder, "built"), ["-ldflags", version]);
      for (const name of ["buildkitd", "buildctl"]) {
        await rename(join(folder, "built", name), join(root, "usr/bin", name));
      }
    });
    await packLayer(root, join(folder, "layer.tar"));
    for (const done of ["root", "built"]) await rm(join(folder, done), { recursive: true });
  };
  const ingredients = ["1", buildkit.version, (await run(runc, ["--version"])).trim()];
  const folder = await part({ name: "buildkit-image", ingredients, make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Entrypoint: ["buildkitd"] });
}

/** @returns a folder of plugins for Docker's client. */
async function buildxPlugin(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, `buildx ${buildx.version}`, "compile", async () => {
      const version = `-s -w -X ${buildx.path}/version.Version=${buildx.version}`;
      await goBuildOwn(buildx, ["cmd/buildx"], join(folder, "built"), ["-ldflags", version]);
      await rename(join(folder, "built/buildx"), join(folder, "docker-buildx"));
      await rm(join(folder, "built"), { recursive: true });
    });
  return await part({ name: "buildx", ingredients: ["1", buildx.version], make }, log);
}

/** The cache server of nektos/act, which speaks the first version of the runner's protocol. @returns the program. */
export async function cacheServer(log: Log): Promise<string> {
  const source = join(import.meta.dirname, "data/go/cache-server/main.go");
  const make = (folder: string): Promise<void> =>
    phase(log, "cache server of act", "compile", async () => {
      const sources = join(folder, "sources");
      await mkdir(sources);
      await goModule(sources, "auto", `${act.path}/pkg/artifactcache@${act.version}`);
      await cp(source, join(sources, "main.go"));
      await goBuild({ folder: sources, toolchain: "auto" }, ".", join(folder, "cache-server"));
      await rm(sources, { recursive: true });
    });
  const folder = await part(
    { name: "cache-server", ingredients: ["1", act.version, await fingerprint(source)], make },
    log,
  );
  return join(folder, "cache-server");
}
