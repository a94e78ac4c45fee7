import { cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fingerprint } from "./cache.ts";
import { run } from "./command.ts";
import { packDebian } from "./debian-layer.ts";
import { describeImage, type Image, packLayer, readLayer } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Where Docker looks for `maven:3.9-eclipse-temurin-17`. */
export const maven = { repository: "library/maven", tag: "3.9-eclipse-temurin-17" } as const;

const packages = ["bash", "ca-certificates", "curl", "maven", "openjdk-17-jdk-headless"];
const java = "/usr/lib/jvm/java-17-openjdk-amd64";
/** The official image's, so that a Dockerfile may name it. */
const javaHome = "/opt/java/openjdk";
/** Modules for jlink, which nothing here calls. */
const unread = [`${java}/jmods`];
/** The project that is built on this image without a network. */
const project = join(import.meta.dirname, "../test/fixtures/torch_v2/service-layer/service-binding/pom.xml");
const offline = "<settings><offline>true</offline></settings>\n";

/** JDK 17 and Maven of Debian 12, with a local repository that contains only what the project needs. */
export async function mavenImage(log: Log): Promise<Image> {
  const folders = await Promise.all([system(log), localRepository(log)]);
  const layers = await Promise.all(folders.map((folder) => readLayer(join(folder, "layer.tar"))));
  return describeImage(layers, {
    Cmd: ["mvn"],
    Env: [`JAVA_HOME=${javaHome}`, "MAVEN_HOME=/usr/share/maven", "LANG=C.UTF-8"],
  });
}

async function system(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, "maven image", "make its file system", () => packDebian(packages, folder, unread));
  return await part({ name: "maven-system", ingredients: ["1", ...packages, ...unread], make }, log);
}

async function localRepository(log: Log): Promise<string> {
  const make = (folder: string): Promise<void> =>
    phase(log, "maven image", "download the libraries and plugins", async () => {
      const root = join(folder, "root");
      const settings = join(root, "root/.m2");
      await resolve(folder, join(settings, "repository"));
      await writeFile(join(settings, "settings.xml"), offline);
      await mkdir(join(root, dirname(javaHome)), { recursive: true });
      await symlink(java, join(root, javaHome));
      await packLayer(root, join(folder, "layer.tar"));
      await rm(root, { recursive: true });
    });
  return await part({ name: "maven-repository", ingredients: ["1", await fingerprint(project)], make }, log);
}

/** Builds the project with one class in place of its sources: only a real build downloads everything that a build needs. */
async function resolve(folder: string, repository: string): Promise<void> {
  const copy = join(folder, "project");
  const sources = join(copy, "src/main/java");
  await mkdir(sources, { recursive: true });
  await mkdir(repository, { recursive: true });
  await cp(project, join(copy, "pom.xml"));
  await writeFile(join(sources, "Probe.java"), "class Probe {}\n");
  const wishes = ["--batch-mode", "--quiet", "--strict-checksums", `-Dmaven.repo.local=${repository}`];
  await run("mvn", [...wishes, "package"], { in: copy });
  await rm(copy, { recursive: true });
  // The rest records where and when a file was downloaded: it differs every time, and Maven would go there again.
  for (const entry of await readdir(repository, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && !/\.(jar|pom)$/.test(entry.name)) await rm(join(entry.parentPath, entry.name));
  }
}
