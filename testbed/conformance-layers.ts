import { chmod, copyFile, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dataFolder } from "./cache.ts";
import { run } from "./command.ts";
import { debootstrap } from "./packages.ts";

/** Puts the files of a layer into a folder; the programs come from that of `imagePrograms`. */
type Filler = (root: string, programs: string) => Promise<void>;

/** The layers that an image has beside Debian. */
export const fillers: Readonly<Record<string, Filler>> = {
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
    await run("gcc", ["-Os", "-static", "-s", "-o", join(root, "pause"), join(dataFolder, "pause.c")]);
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

/**
 * Debian's static busybox under every name that it has, as the official image. Its shell is bash: Debian's ash drops
 * variables whose names are no identifiers (`data-1`), which tests look for and the official image's keeps.
 */
async function fillBusybox(root: string): Promise<void> {
  const debian = `${root}.debian`;
  await debootstrap("extract", ["busybox-static", "bash-static"], debian);
  await place(join(debian, "bin/busybox"), join(root, "bin/busybox"));
  await place(join(debian, "bin/bash-static"), join(root, "bin/sh"));
  await rm(debian, { recursive: true });
  for (const name of (await run(join(root, "bin/busybox"), ["--list"])).trim().split("\n")) {
    if (name !== "busybox" && name !== "sh") await symlink("busybox", join(root, "bin", name));
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
