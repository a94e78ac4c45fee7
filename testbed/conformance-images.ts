import { chmod, copyFile, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
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
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";
import type { Release } from "./releases.ts";

/** Bump when the way of making the images changes. */
const recipe = "3";

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

type Filler = (root: string, programs: string) => Promise<void>;

const fillers: Readonly<Record<string, Filler>> = {
  agnhost: fillAgnhost,
  busybox: fillBusybox,
  httpd: fillHttpd,
  kitten: (root, folder) => cp(join(folder, "kitten"), root, { recursive: true }),
  nautilus: (root, folder) => cp(join(folder, "nautilus"), root, { recursive: true }),
  nginx: fillNginx,
  nonewprivs: async (root, folder) => {
    await place(join(folder, "nnp"), join(root, "usr/local/bin/nnp"), 0o6755);
  },
  pause: async (root) => {
    await run("gcc", ["-Os", "-static", "-s", "-o", join(root, "pause"), join(import.meta.dirname, "data/pause.c")]);
  },
  "sample-apiserver": (root, folder) => place(join(folder, "sample-apiserver"), join(root, "sample-apiserver")),
};

async function place(from: string, to: string, mode = 0o755): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, mode);
}

async function write(root: string, files: Readonly<Record<string, string>>, mode = 0o644): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content, { mode });
  }
}

/** The users and groups that the official images add to those of their base. */
const users = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "nobody:x:65534:65534:nobody:/:/bin/false",
    "user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh",
  ],
  group: [
    "root:x:0:",
    "nogroup:x:65534:",
    "user-defined-in-image:x:1000:",
    "group-defined-in-image:x:50000:user-defined-in-image",
  ],
};

/** As test/images/agnhost/Dockerfile of Kubernetes. */
async function fillAgnhost(root: string, folder: string): Promise<void> {
  await mkdir(join(root, "uploads"));
  await place(join(folder, "agnhost"), join(root, "agnhost"));
  await symlink("agnhost", join(root, "agnhost-2"));
  for (const file of ["localhost.crt", "localhost.key"]) await place(join(folder, file), join(root, file), 0o644);
  await write(root, { "etc/passwd": lines(users.passwd), "etc/group": lines(users.group) });
}

function lines(each: readonly string[]): string {
  return `${each.join("\n")}\n`;
}

/** Debian's static busybox under every name that it has, as the official image. */
async function fillBusybox(root: string): Promise<void> {
  const debian = `${root}.debian`;
  await debootstrap("extract", ["busybox-static"], debian);
  await place(join(debian, "bin/busybox"), join(root, "bin/busybox"));
  await rm(debian, { recursive: true });
  for (const name of (await run(join(root, "bin/busybox"), ["--list"])).trim().split("\n")) {
    if (name !== "busybox") await symlink("busybox", join(root, "bin", name));
  }
  await write(root, { "etc/passwd": lines(users.passwd.slice(0, 2)), "etc/group": lines(users.group.slice(0, 2)) });
  for (const folder of ["home", "root", "usr/sbin", "var/spool/mail", "var/www"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await mkdir(join(root, "tmp"));
  await chmod(join(root, "tmp"), 0o1777);
}

/** Debian's Apache in the folders of the official image, which tests look into. */
async function fillHttpd(root: string): Promise<void> {
  const modules = ["mpm_event", "authz_core", "dir", "mime"].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  await write(root, {
    "usr/local/apache2/conf/httpd.conf": lines([
      ...modules,
      ...["ServerRoot /usr/local/apache2", "ServerName localhost", "Listen 80", "PidFile /run/httpd.pid"],
      ...[
        "User www-data",
        "Group www-data",
        "ErrorLog /proc/self/fd/2",
        "TypesConfig /dev/null",
        "AddType text/html .html",
        "DocumentRoot /usr/local/apache2/htdocs",
      ],
      ...["DirectoryIndex index.html", "<Directory /usr/local/apache2/htdocs>", "Require all granted", "</Directory>"],
    ]),
    "usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n",
  });
  const start =
    "#!/bin/sh\nset -e\nrm -f /run/httpd.pid\nexec apache2 -f /usr/local/apache2/conf/httpd.conf -DFOREGROUND\n";
  await write(root, { "usr/local/bin/httpd-foreground": start }, 0o755);
}

/** Debian's nginx with the official image's page, place and logs. */
async function fillNginx(root: string): Promise<void> {
  await write(root, {
    "etc/nginx/nginx.conf": lines([
      ...["user www-data;", "worker_processes 1;", "pid /run/nginx.pid;", "error_log /dev/stderr notice;"],
      ...[
        "events { worker_connections 1024; }",
        "http {",
        "  include /etc/nginx/mime.types;",
        "  access_log /dev/stdout;",
      ],
      ...["  server { listen 80; location / { root /usr/share/nginx/html; index index.html; } }", "}"],
    ]),
    "usr/share/nginx/html/index.html":
      "<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n",
  });
}
