import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import { sh } from "./harness.ts";

/** The small TORCH-V2 of the tests. */
export const FIXTURE = join(import.meta.dirname, "../fixtures/torch_v2");
const EXAMPLE = "examples/simple-server-and-georef";
const TWO = "examples/two-clusters";
/** Its template, as a path in the checkout. */
export const CSAR = `${EXAMPLE}/simple-server-and-georef.zip`;
/** Its compose files and BPMN plans. */
export const DOCKER = `${EXAMPLE}/docker`;
/** The template of the example with two clusters, and its compose files and BPMN plans. */
export const TWO_CSAR = `${TWO}/two-clusters.zip`;
export const TWO_DOCKER = `${TWO}/docker`;

/** What a test changes in its own copy of a file; a change without an effect is a broken test. */
export type Edits = Readonly<Record<string, (text: string) => string>>;

/** Puts a changed copy of the small TORCH-V2 into a folder. */
export async function placeTorch(folder: string, edits: Edits = {}): Promise<void> {
  await cp(FIXTURE, folder, { recursive: true });
  for (const [file, edit] of Object.entries(edits)) {
    const before = await readFile(join(folder, file), "utf8");
    await writeFile(join(folder, file), changed(file, before, edit(before)));
  }
}

/** Puts the light service layer into a copy: the same over HTTP and in its files, in Python, and ready within seconds. */
export async function useLightServices(folder: string, docker = DOCKER): Promise<void> {
  await rm(join(folder, "service-layer"), { recursive: true });
  await rename(join(folder, "service-layer-light"), join(folder, "service-layer"));
  const compose = join(folder, docker, "docker-compose-torchservices-solver.yaml");
  const before = await readFile(compose, "utf8");
  await writeFile(compose, changed(compose, before, before.replace(/BROKER_DELAY: "\d+"/, 'BROKER_DELAY: "2"')));
}

function changed(file: string, before: string, after: string): string {
  if (after === before) throw new Error(`the test's change of ${file} changes nothing: the fixture has moved`);
  return after;
}

/** Everything that a boot for this cluster has in Docker, as `container name`, `network name`, ... */
export async function torchLeftovers(cluster: string): Promise<readonly string[]> {
  const label = `--filter=label=kind-torch.cluster=${cluster}`;
  const images = `--filter=reference=kind-torch/${cluster}-*`;
  const lists = await Promise.all([
    sh("docker", ["ps", "--all", label, "--format=container {{.Names}}"]),
    sh("docker", ["network", "ls", label, "--format=network {{.Name}}"]),
    sh("docker", ["volume", "ls", label, "--format=volume {{.Name}}"]),
    sh("docker", ["images", images, "--format=image {{.Repository}}:{{.Tag}}"]),
  ]);
  return lists.flatMap((list) => list.split("\n")).filter((line) => line !== "");
}

/** Removes what a boot for this cluster was asked to keep. */
export async function removeTorch(cluster: string): Promise<void> {
  for (const line of await torchLeftovers(cluster)) {
    const [what = "", name = ""] = line.split(" ");
    await sh("docker", [what, "rm", ...(what === "network" ? [] : ["--force"]), name]);
  }
}

/** The texts and bytes in which a private key could turn up. */
export function tracesOfKey(pem: string): readonly Buffer[] {
  const lines = pem.split("\n").filter((line) => line.length >= 32 && !line.startsWith("-----"));
  const der = Buffer.from(lines.join(""), "base64");
  const encoded = Buffer.from(pem).toString("base64");
  // Inside a longer text that is encoded again, a line begins at one of three places in a group of base64.
  const inside = [0, 1, 2].map((offset) => Buffer.from((lines[2] ?? "").slice(offset, offset + 48)).toString("base64"));
  return [
    ...lines.map((line) => Buffer.from(line)),
    der.subarray(32, 96),
    Buffer.from(encoded.slice(64, 160)),
    ...inside.map((text) => Buffer.from(text)),
  ];
}

/** Whether any of these traces is in a text or in bytes. */
export function holds(bytes: Uint8Array | string, traces: readonly Buffer[]): boolean {
  const whole = Buffer.from(bytes);
  return traces.some((trace) => whole.includes(trace));
}

/** Every file of an image's archive, its layers and its configuration, uncompressed. */
export async function readLayers(image: string): Promise<ReadonlyMap<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-layers-"));
  try {
    await sh("docker", ["save", `--output=${join(folder, "image.tar")}`, image]);
    await sh("tar", ["-xf", join(folder, "image.tar"), "-C", folder]);
    await rm(join(folder, "image.tar"));
    const files = await readFolder(folder);
    // An engine that keeps images as a registry has them saves compressed layers.
    const plain = [...files].map(
      ([name, bytes]) => [name, bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes] as const,
    );
    return new Map(plain);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Every file below a folder, with its content. */
export async function readFolder(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(folder, path), await readFile(path));
  }
  return files;
}
