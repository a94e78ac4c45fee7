import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "./cache.ts";
import { downloadModule } from "./go-build.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** What kind's own build writes into a node image: two manifests, and the images that they name. */
export type KindManifests = {
  /** The folder with default-cni.yaml and default-storage.yaml, to be copied to /kind/manifests. */
  readonly folder: string;
  readonly kindnetd: string;
  readonly provisioner: string;
  readonly helper: string;
};

/** Bump when the way of reading them changes. */
const recipe = "1";

/** Constants of pkg/build/nodeimage/const_cni.go and const_storage.go in kind's Go module. */
const names = {
  network: "defaultCNIManifest",
  storage: "defaultStorageManifest",
  kindnetd: "kindnetdImage",
  provisioner: "storageProvisionerImage",
  helper: "storageHelperImage",
} as const;

/** The manifests of one kind release, taken from its module, so that a cluster's objects are named as on a real node. */
export async function kindManifests(kind: string, log: Log): Promise<KindManifests> {
  const make = (folder: string): Promise<void> =>
    phase(log, `node image, kind ${kind}`, "read kind's manifests", async () => {
      const module = await downloadModule("sigs.k8s.io/kind", `v${kind}`);
      const sources = ["const_cni.go", "const_storage.go"].map((file) =>
        join(module.folder, "pkg/build/nodeimage", file),
      );
      const texts = await Promise.all(sources.map((source) => readFile(source, "utf8")));
      const constants = parseGoConstants(texts.join("\n"));
      await writeFile(join(folder, "default-cni.yaml"), constant(constants, names.network));
      await writeFile(join(folder, "default-storage.yaml"), constant(constants, names.storage));
      const { kindnetd, provisioner, helper } = names;
      const images = [kindnetd, provisioner, helper].map((name) => constant(constants, name));
      await writeFile(join(folder, "images.json"), JSON.stringify(images));
    });
  const folder = await part({ name: `kind-manifests-${kind}`, ingredients: [recipe, kind], make }, log);
  const images = await readJson(join(folder, "images.json"));
  const [kindnetd, provisioner, helper]: readonly unknown[] = Array.isArray(images) ? images : [];
  if (typeof kindnetd !== "string" || typeof provisioner !== "string" || typeof helper !== "string") {
    throw new Error(`${folder} does not name kind's images`);
  }
  return { folder, kindnetd, provisioner, helper };
}

/** String constants of a Go file, each a sum of literals and of constants before it. */
export function parseGoConstants(source: string): ReadonlyMap<string, string> {
  const constants = new Map<string, string>();
  const term = /"[^"\n]*"|`[^`]*`|\w+/;
  const declaration = new RegExp(`^const (\\w+) = ((?:${term.source})(?: \\+ (?:${term.source}))*)$`, "gm");
  for (const [, name = "", sum = ""] of source.matchAll(declaration)) {
    const terms = sum.match(new RegExp(term.source, "g")) ?? [];
    const values = terms.map((each) => (/^["`]/.test(each) ? each.slice(1, -1) : constants.get(each)));
    if (!values.includes(undefined)) constants.set(name, values.join(""));
  }
  return constants;
}

function constant(constants: ReadonlyMap<string, string>, name: string): string {
  const value = constants.get(name);
  if (value === undefined) throw new Error(`kind's source has no constant ${name}`);
  return value;
}
