import { join } from "node:path";
import { cacheFolder, readJson, writeWhole } from "./cache.ts";
import { catalogFile, extendCatalog, type KindEntry, type KubectlEntry, nameImages } from "./catalog.ts";
import { cloudProvider, cloudProviderImage, cloudProxy } from "./cloud-provider-image.ts";
import { endDaemon, recorded } from "./daemon.ts";
import { envoyImage } from "./envoy-image.ts";
import { flowable, flowableImage } from "./flowable-image.ts";
import { moduleDate } from "./go-build.ts";
import { type Image, imageId } from "./image.ts";
import { compilePrograms } from "./kubernetes.ts";
import { type LoadBalancer, loadBalancerImage } from "./load-balancer-image.ts";
import { locked } from "./lock.ts";
import {
  daemonNames,
  docker,
  dockerSocket,
  isOfficial,
  mirrorAddress,
  startDocker,
  startMirror,
  startRegistry,
} from "./machine.ts";
import { maven, mavenImage } from "./maven-image.ts";
import { serveKind, serveKubectl } from "./mirror.ts";
import { nodeImage } from "./node-image.ts";
import { installPackages } from "./packages.ts";
import { probe, probeImage } from "./probe-image.ts";
import { type Log, phase, seconds } from "./progress.ts";
import { python, pythonImage } from "./python-image.ts";
import { pushImage } from "./registry.ts";
import { registry, registryImage } from "./registry-image.ts";
import { neighbours, type Release, releaseOf } from "./releases.ts";
import { kindProgram, type Tool, upstreamKubectl } from "./tools.ts";

export type Bed =
  | { readonly official: true }
  | {
      readonly official: false;
      readonly catalog: string;
      readonly kindMirror: string;
      readonly kubectlMirror: string;
      readonly probeImage: string;
      readonly docker: { readonly socket: string; readonly pid: number };
      readonly pids: readonly number[];
    };

export type Wish = { readonly kubernetes: readonly string[]; readonly log: Log };

/** Sets up the test environment, or finds that it is running or not needed. */
export async function raiseBed({ kubernetes, log }: Wish): Promise<Bed> {
  const releases = kubernetes.map(releaseOf);
  if (await isOfficial()) {
    log("a Docker Engine is running and the official images can be pulled: nothing to build");
    return { official: true };
  }
  const start = performance.now();
  const daemons = await locked("daemons", log, async () => {
    await installPackages(log);
    return await startDaemons(log);
  });
  await Promise.all([publishProbe(log), publishBases(log), publishReleases(releases, log), publishServices(log)]);
  const bed: Bed = {
    official: false,
    catalog: catalogFile(),
    kindMirror: `${mirrorAddress}/dl`,
    kubectlMirror: `${mirrorAddress}/release`,
    probeImage: `${probe.repository}:${probe.tag}`,
    docker: { socket: dockerSocket, pid: daemons.docker },
    pids: [daemons.docker, daemons.registry, daemons.mirror],
  };
  await writeWhole(bedFile(), `${JSON.stringify(bed, null, 2)}\n`);
  log(`the test environment is up after ${seconds(start)} s`);
  return bed;
}

/** Ends what `raiseBed` started; everything that was built stays in the cache. */
export async function lowerBed(log: Log): Promise<void> {
  await locked("daemons", log, async () => {
    for (const name of daemonNames) log(`${name}: ${(await endDaemon(name)) ? "ended" : "was not running"}`);
  });
}

export async function bedStatus(): Promise<{ readonly daemons: Record<string, number | null>; readonly bed: unknown }> {
  const daemons: Record<string, number | null> = {};
  for (const name of daemonNames) daemons[name] = (await recorded(name))?.pid ?? null;
  return { daemons, bed: (await readJson(bedFile())) ?? null };
}

function bedFile(): string {
  return join(cacheFolder(), "bed.json");
}

async function startDaemons(log: Log): Promise<{ docker: number; registry: number; mirror: number }> {
  const [registry, mirror] = await Promise.all([startRegistry(), startMirror()]);
  const running = await recorded("dockerd");
  const dockerd = running ?? (await phase(log, "docker", "start dockerd", startDocker));
  return { docker: dockerd.pid, registry: registry.pid, mirror: mirror.pid };
}

async function publishProbe(log: Log): Promise<void> {
  const image = await probeImage(log);
  await pushImage(image, probe.repository, probe.tag);
  await pushImage(image, probe.official.repository, probe.official.tag);
  const name = `${probe.repository}:${probe.tag}`;
  const loaded = await docker("image", "inspect", "--format", "{{.Id}}", name).catch(() => "");
  if (loaded.trim() !== imageId(image)) await docker("pull", "--quiet", name);
}

/** What runs beside a cluster: the catalog names each image by its digest. */
async function publishServices(log: Log): Promise<void> {
  const [own, provider, proxy] = await Promise.all([
    registryImage(log).then((image) => publish(image, registry)),
    cloudProviderImage(log).then((image) => publish(image, cloudProvider)),
    envoyImage(cloudProxy.version, log).then((image) => publish(image, cloudProxy)),
  ]);
  await locked("catalog", log, () => nameImages({ registry: own, cloudProvider: { image: provider, proxy } }));
}

/** @returns the image's reference with its digest. */
async function publish(image: Image, { repository, tag }: { repository: string; tag: string }): Promise<string> {
  const digest = await pushImage(image, repository, tag);
  return `${repository.replace(/^library\//, "")}:${tag}@${digest}`;
}

/** The base images of Dockerfiles, under the official names. Nothing pulls them before an image is built. */
async function publishBases(log: Log): Promise<void> {
  await Promise.all([
    flowableImage(log).then((image) => pushImage(image, flowable.repository, flowable.tag)),
    mavenImage(log).then((image) => pushImage(image, maven.repository, maven.tag)),
    pythonImage(log).then((image) => pushImage(image, python.repository, python.tag)),
  ]);
}

/** Releases one after the other, because each keeps every core busy while it compiles. */
async function publishReleases(releases: readonly Release[], log: Log): Promise<void> {
  for (const release of releases) {
    const kubectls = await Promise.all(neighbours(release.minor).map((minor) => findKubectl(minor, log)));
    const image = await nodeImage(release, log);
    const { kubectl } = await compilePrograms(release, log);
    const balancer = await loadBalancerImage(release.kind, log);
    await pushImage(balancer.image, balancer.repository, balancer.tag);
    const kind = await kindProgram(release, log);
    await locked("catalog", log, () =>
      publishRelease(release, {
        image,
        balancer,
        kind,
        kubectls: [...kubectls.flat(), { version: release.patch, file: kubectl }],
      }),
    );
  }
}

/** What is built for a release. */
interface Built {
  readonly image: Image;
  readonly balancer: LoadBalancer;
  readonly kind: Tool;
  readonly kubectls: readonly Tool[];
}

async function publishRelease(release: Release, { image, balancer, kind, kubectls }: Built): Promise<void> {
  const digest = await pushImage(image, "kindest/node", `v${release.patch}`);
  const entries: KubectlEntry[] = [];
  for (const tool of kubectls) {
    entries.push({ version: tool.version, checksums: { "linux-amd64": await serveKubectl(tool) } });
  }
  const entry: KindEntry = {
    version: kind.version,
    released: await moduleDate("sigs.k8s.io/kind", `v${kind.version}`),
    loadBalancer: `docker.io/${balancer.repository}:${balancer.tag}`,
    images: [{ kubernetes: release.patch, image: `kindest/node:v${release.patch}@${digest}` }],
    checksums: { "linux-amd64": await serveKind(kind) },
  };
  await extendCatalog([entry], entries);
}

/** A minor that is not published is not a reason to fail: the tests say which ones they need. */
async function findKubectl(minor: string, log: Log): Promise<readonly Tool[]> {
  try {
    return [await upstreamKubectl(minor, log)];
  } catch (error) {
    log(`kubectl ${minor}: left out, ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return [];
  }
}
