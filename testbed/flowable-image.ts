import { chmod, chown, copyFile, cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder, fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { debootstrap } from "./packages.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

export const flowable = { repository: "flowable/flowable-rest", tag: "6.6.0" } as const;

const sources = join(dataFolder, "flowable");
/** The official image is based on Alpine with busybox; setpriv does here what su-exec does there. */
const packages = ["busybox-static", "openjdk-17-jre-headless", "util-linux"];
const java = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java";
const trusted = "/etc/ssl/certs/java/cacerts";
/** As Alpine numbers the first user of a system. */
const user = { uid: 100, gid: 101 } as const;
const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
/** The fingerprint of all libraries: a version that Maven resolves must be the one that was tried, to the byte. */
const librariesSum = "4e0dbbfc3795206c861297a0eff8c6c81ade50709e22c56baacbd93a07964c05";

/**
 * Flowable's REST application: every library of the release with a main class of the test environment's own, because the
 * application itself was only published as an image. Folders, user and entry point are the official image's.
 */
export async function flowableImage(log: Log): Promise<Image> {
  const folders = await Promise.all([javaRoot(log), application(log)]);
  const layers = await Promise.all(folders.map((folder) => readLayer(join(folder, "layer.tar"))));
  return describeImage(layers, {
    Entrypoint: ["/flowable-entrypoint.sh"],
    Env: ["JAVA_OPTS=-Xmx512M", "SERVER_PORT=8080"],
  });
}

async function javaRoot(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, "flowable image", "make its file system", async () => {
      const root = join(folder, "root");
      await debootstrap("extract", packages, root);
      for (const unread of ["usr/share", "var/cache", "var/lib"]) await rm(join(root, unread), { recursive: true });
      await run("chroot", [root, "/bin/busybox", "--install", "-s"]);
      await symlink(java, join(root, "usr/bin/java"));
      // If it is only extracted, Java has no certificates: its package collects them when it is configured.
      await copyFile(trusted, join(root, trusted));
      await addUsers(root);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  return await part({ name: "flowable-java", ingredients: ["1", ...packages], make }, log);
}

async function addUsers(root: string): Promise<void> {
  const { uid, gid } = user;
  await writeFile(
    join(root, "etc/passwd"),
    `root:x:0:0:root:/root:/bin/sh\nflowable:x:${uid}:${gid}:flowable:/home/flowable:/bin/sh\n`,
  );
  await writeFile(join(root, "etc/group"), `root:x:0:\nflowable:x:${gid}:\n`);
  await mkdir(join(root, "root"), { mode: 0o700 });
  await mkdir(join(root, "home/flowable"), { recursive: true });
  await chown(join(root, "home/flowable"), uid, gid);
}

async function application(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, "flowable image", "download the libraries and compile the application", async () => {
      const root = join(folder, "root");
      const [libraries, classes] = [join(root, "app/WEB-INF/lib"), join(root, "app/WEB-INF/classes")];
      await downloadLibraries(folder, libraries);
      await mkdir(classes);
      // The official image's Java: Spring reads class files itself and may not know a later one.
      const target = ["--release", "11", "-d", classes];
      await run("javac", [...target, "-cp", join(libraries, "*"), join(sources, "FlowableRestApplication.java")]);
      for (const name of ["application.properties", "demo.bpmn20.xml"]) {
        await copyFile(join(sources, name), join(classes, name));
      }
      await copyFile(join(sources, "flowable-entrypoint.sh"), join(root, "flowable-entrypoint.sh"));
      await chmod(join(root, "flowable-entrypoint.sh"), 0o755);
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  return await part(
    { name: "flowable-application", ingredients: ["1", await fingerprint(sources), librariesSum], make },
    log,
  );
}

/** Run in a copy, since Maven may write next to its project file. */
async function downloadLibraries(folder: string, libraries: string): Promise<void> {
  const project = join(folder, "project");
  await cp(join(sources, "pom.xml"), join(project, "pom.xml"));
  const wishes = ["-DincludeScope=runtime", `-DoutputDirectory=${libraries}`];
  await run("mvn", ["--batch-mode", "--quiet", "--strict-checksums", copyDependencies, ...wishes], { in: project });
  await rm(project, { recursive: true });
  const sum = await fingerprint(libraries);
  if (sum !== librariesSum) throw new Error(`Maven resolved other libraries than expected: ${sum}`);
}
