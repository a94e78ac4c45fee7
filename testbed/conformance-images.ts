import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fillers } from "./conformance-layers.ts";
import { conformancePrograms, imagePrograms } from "./conformance-programs.ts";
import { packDebian } from "./debian-layer.ts";
import {
  describeImage,
  type Image,
  type ImageSettings,
  type Layer,
  packImages,
  packLayer,
  readLayer,
} from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** Bump when the way of making the images changes. */
const recipe = "4";

/** What the images have from Debian, in one layer for all of them but busybox and what builds on it. */
const packages = [
  ...["apache2-bin", "bind9-dnsutils", "busybox", "curl", "iperf", "iproute2", "netcat-openbsd", "nginx-light"],
  ...["socat", "util-linux"],
];

/** Where an image of these names comes from: the folders of its layers, in order, and its settings. */
const recipes: Readonly<Record<string, { readonly layers: readonly string[]; readonly settings: ImageSettings }>> = {
  agnhost: { layers: ["debian", "agnhost"], settings: { Entrypoint: ["/agnhost"], Cmd: ["pause"] } },
  busybox: { layers: ["busybox"], settings: { Cmd: ["sh"] } },
  "glibc-dns-testing": { layers: ["debian"], settings: { Cmd: ["sleep", "infinity"] } },
  httpd: { layers: ["debian", "httpd"], settings: { Cmd: ["httpd-foreground"] } },
  "jessie-dnsutils": { layers: ["debian"], settings: { Cmd: ["sleep", "infinity"] } },
  kitten: { layers: ["debian", "agnhost", "kitten"], settings: { Entrypoint: ["/agnhost"], Cmd: ["test-webserver"] } },
  nautilus: {
    layers: ["debian", "agnhost", "nautilus"],
    settings: { Entrypoint: ["/agnhost"], Cmd: ["test-webserver"] },
  },
  nginx: { layers: ["debian", "nginx"], settings: { Cmd: ["nginx", "-g", "daemon off;"], StopSignal: "SIGQUIT" } },
  nonewprivs: { layers: ["busybox", "nonewprivs"], settings: { Cmd: ["nnp"] } },
  nonroot: { layers: ["debian"], settings: { User: "1234" } },
  pause: { layers: ["pause"], settings: { Entrypoint: ["/pause"] } },
  "sample-apiserver": { layers: ["sample-apiserver"], settings: { Entrypoint: ["/sample-apiserver"] } },
};

/** The archive with the images of the conformance tests under their official names, as far as they can be made. */
export async function conformanceImages(release: Release, log: Log): Promise<string> {
  const wanted = (await conformancePrograms(release, log)).images;
  const programs = await imagePrograms(release, wanted, log);
  const base = await debianLayer(log);
  const make = (folder: string): Promise<void> =>
    phase(log, `conformance ${release.patch}`, "make the tests' images", async () => {
      const layers = new Map<string, Layer>([["debian", await readLayer(join(base, "layer.tar"))]]);
      for (const [name, fill] of Object.entries(fillers)) {
        const root = join(folder, name);
        await mkdir(root);
        await fill(root, programs);
        await packLayer(root, join(folder, `${name}.tar`));
        await rm(root, { recursive: true });
        layers.set(name, await readLayer(join(folder, `${name}.tar`)));
      }
      await packImages(nameImages(wanted, layers), join(folder, "scratch"), join(folder, "images.tar"));
      const made = ["scratch", ...Object.keys(fillers).flatMap((name) => [`${name}.tar`, `${name}.tar.json`])];
      for (const done of made) await rm(join(folder, done), { recursive: true });
    });
  const ingredients = [recipe, programs, base, JSON.stringify(recipes)].map((each) => each.replace(/^.*\//, ""));
  return join(await part({ name: `conformance-images-${release.patch}`, ingredients, make }, log), "images.tar");
}

/** The name of an image without its registry and tag. */
export function programOf(image: string): string {
  return (
    image
      .replace(/:[^:/]*$/, "")
      .split("/")
      .at(-1) ?? ""
  );
}

/** The images that this module makes, of those that the tests name. An image of another registry is one that must not exist. */
export function madeImages(wanted: readonly string[]): readonly string[] {
  return wanted.filter((image) => /^registry\.k8s\.io\//.test(image) && Object.hasOwn(recipes, programOf(image)));
}

function nameImages(wanted: readonly string[], layers: ReadonlyMap<string, Layer>): ReadonlyMap<string, Image> {
  const images = new Map<string, Image>();
  for (const name of madeImages(wanted)) {
    const { layers: parts = [], settings = {} } = recipes[programOf(name)] ?? {};
    const found = parts.flatMap((part) => layers.get(part) ?? []);
    // Two versions of a program are one here, and still two images: a test changes from one to the other.
    images.set(name, describeImage(found, { ...settings, Env: [`IMAGE=${name}`] }));
  }
  return images;
}

async function debianLayer(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, "conformance", "make the images' Debian", () => packDebian(packages, folder));
  return await part({ name: "conformance-debian", ingredients: ["1", ...packages], make }, log);
}
