import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { goInstall } from "./go-build.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Where Docker looks for `registry:3.0.0`. */
export const registry = { repository: "library/registry", tag: "3.0.0" } as const;

/** The official image's configuration, as far as it is not a default. */
const configuration = `version: 0.1
log: { fields: { service: registry } }
storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: /var/lib/registry } }
http: { addr: ":5000", headers: { X-Content-Type-Options: [nosniff] } }
health: { storagedriver: { enabled: true, interval: 10s, threshold: 3 } }
`;

/** Distribution's registry, compiled from its module: the program of the official image, without Alpine around it. */
export async function registryImage(log: Log): Promise<Image> {
  const make = (folder: string): Promise<void> =>
    phase(log, "registry image", "compile the registry", async () => {
      const root = join(folder, "root");
      for (const each of ["bin", "etc/distribution", "tmp", "var/lib/registry"]) {
        await mkdir(join(root, each), { recursive: true });
      }
      const program = `github.com/distribution/distribution/v3/cmd/registry@v${registry.tag}`;
      await goInstall(program, join(root, "bin"));
      await writeFile(join(root, "etc/distribution/config.yml"), configuration);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  const folder = await part({ name: "registry-image", ingredients: ["1", registry.tag, configuration], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], {
    Entrypoint: ["/bin/registry", "serve"],
    Cmd: ["/etc/distribution/config.yml"],
    Volumes: { "/var/lib/registry": {} },
  });
}
