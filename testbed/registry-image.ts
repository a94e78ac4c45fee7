import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Where Docker looks for the registry's image: Debian has this version of its program. */
export const registry = { repository: "library/registry", tag: "2.8.2" } as const;

const program = "/usr/bin/docker-registry";
/** The libraries of Debian's build, which the official image does not need. */
const libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];

/** As in the official image. */
const configuration = `version: 0.1
log: { fields: { service: registry } }
storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: /var/lib/registry } }
http: { addr: ":5000", headers: { X-Content-Type-Options: [nosniff] } }
health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 } }
`;

/** Distribution's registry, which the test environment runs as a daemon too, in place of the official image. */
export async function registryImage(log: Log): Promise<Image> {
  const make = (folder: string): Promise<void> =>
    phase(log, "registry image", "make its file system", async () => {
      const root = join(folder, "root");
      for (const each of ["bin", "etc/docker/registry", "tmp", "var/lib/registry"]) {
        await mkdir(join(root, each), { recursive: true });
      }
      await copyFile(program, join(root, "bin/registry"));
      for (const library of libraries) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(library, join(root, library));
      }
      await writeFile(join(root, "etc/docker/registry/config.yml"), configuration);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const version = (await run(program, ["--version"])).trim();
  const folder = await part({ name: "registry-image", ingredients: ["1", version, configuration], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], {
    Entrypoint: ["/bin/registry", "serve"],
    Cmd: ["/etc/docker/registry/config.yml"],
    Volumes: { "/var/lib/registry": {} },
  });
}
