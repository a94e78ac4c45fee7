import { cp } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { COMPONENTS } from "../../src/torch/components.ts";
import { sh } from "../e2e/harness.ts";
import { ContainerBuilder } from "../e2e/layers/builder.ts";
import { CacheService } from "../e2e/layers/cache-service.ts";
import { dashboardVariables, type PackageRegistry, startPackageRegistry, VERSION_1 } from "../e2e/package-registry.ts";
import { DOCKER, type Edits, placeTorch } from "../e2e/torch.ts";
import { createWithAction, median, printPhases, type Subject } from "./create.ts";
import { bootByGuide, unbuilt } from "./guide.ts";

/** What building an image costs, in seconds of a processor, beyond what the fixture's own Dockerfile does. */
const BUILD_SECONDS = 60;

/**
 * Edits of TORCH-V2 with which its two images that have a build of their own cost as much as real ones, the same each time.
 */
function costly(): Edits {
  // It counts far between two looks at the clock: those are the kernel's time.
  const work = `RUN perl -e 'while ((times)[0] < ${BUILD_SECONDS}) { $_++ for 1 .. 1000000 }'`;
  return Object.fromEntries(
    [COMPONENTS.dashboard, COMPONENTS.services].map((component) => [
      join(component.folder, "Dockerfile"),
      (text: string) => text.replace(/^(?=CMD )/m, `${work}\n`),
    ]),
  );
}

/** A TORCH-V2 whose dashboard installs a registry's packages when it starts. */
async function placeInstalling(folder: string, registry: PackageRegistry, edits: Edits): Promise<void> {
  const variables = Object.entries(dashboardVariables(registry)).map(([name, value]) => `      - ${name}=${value}`);
  await placeTorch(folder, {
    ...edits,
    [`${DOCKER}/docker-compose-torch-dashboard-solver.yaml`]: (text) =>
      text.replace("environment:", ["environment:", ...variables].join("\n")),
  });
}

/** What keeps layers, and what packages come from. */
interface Keepers {
  readonly builder: ContainerBuilder;
  readonly service: CacheService;
  readonly registry: PackageRegistry;
}

/** What an earlier run leaves for later ones, and a boot with it or without. */
class KeptBoots {
  readonly #subject: Subject;
  readonly #builder: ContainerBuilder;
  readonly #service: CacheService;
  readonly #registry: PackageRegistry;
  readonly #edits: Edits;
  /** Stands for what is kept of the packages from one job to the next. */
  readonly #kept: string;

  constructor(subject: Subject, { builder, service, registry }: Keepers, edits: Edits) {
    this.#subject = subject;
    this.#builder = builder;
    this.#service = service;
    this.#registry = registry;
    this.#edits = edits;
    this.#kept = join(builder.folder, "packages");
  }

  /** A whole boot with caches that are empty, which it fills. */
  async fill(): Promise<void> {
    let folder = "";
    const place = async (torch: string) => {
      await this.#place(torch);
      folder = join(torch, PACKAGES_FROM_TORCH);
    };
    const filled = await this.#boot(place, this.#runtime(), PACKAGES, () =>
      cp(folder, this.#kept, { recursive: true }),
    );
    printPhases("earlier run, which fills the caches", filled);
    this.#countDownloads();
  }

  async withCaches() {
    const place = async (torch: string) => {
      await this.#place(torch);
      await cp(this.#kept, join(torch, PACKAGES_FROM_TORCH), { recursive: true });
    };
    const boot = await this.#boot(place, this.#runtime(), PACKAGES);
    this.#countDownloads();
    return boot;
  }

  async withoutCaches() {
    const boot = await this.#boot((torch) => this.#place(torch), {}, {});
    this.#countDownloads();
    return boot;
  }

  /** A boot on a machine whose builder has built nothing. */
  async #boot(
    place: (torch: string) => Promise<void>,
    environment: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, string>>,
    afterwards?: () => Promise<unknown>,
  ) {
    await this.#builder.renew();
    const own = { ...this.#subject, place, environment: { ...this.#builder.environment, ...environment } };
    const given = { "cluster-name": "bench-layers", torch: "torch_v2", ...inputs };
    return await createWithAction(own, 1, given, afterwards);
  }

  async #place(torch: string): Promise<void> {
    await placeInstalling(torch, this.#registry, this.#edits);
  }

  #runtime() {
    return this.#service.environmentFor([{ scope: "refs/heads/main", write: true }]);
  }

  #countDownloads(): void {
    const counts = Object.entries(this.#registry.takeDownloads()).map(([tool, count]) => `${tool} ${count}`);
    console.log(`    downloaded: ${counts.join(", ")}`);
  }
}

/** In the runner's temporary folder, seen from the workspace, and from the checkout in it. */
const PACKAGES = { "torch-package-cache": "../temp/packages" };
const PACKAGES_FROM_TORCH = "../../temp/packages";

/**
 * The whole boot with what an earlier run has left in the caches, layers and packages, against the same without caches.
 * Each has a builder in which nothing was built.
 */
export async function compareCached(subject: Subject, pairs: number): Promise<number> {
  return await withKeepers(async (keepers) => {
    const boots = new KeptBoots(subject, keepers, costly());
    const ratios: number[] = [];
    await boots.fill();
    for (let pair = 1; pair <= pairs; pair += 1) {
      const without = await boots.withoutCaches();
      const cached = await boots.withCaches();
      printPhases(`pair ${pair}, without caches`, without);
      printPhases(`pair ${pair}, with what an earlier run has left`, cached);
      console.log(`    the builds' work: ${(without.work - cached.work).toFixed(1)} CPU s`);
      ratios.push(cached.seconds / without.seconds);
    }
    return median(ratios);
  });
}

/**
 * The boot of a pull request, with what an earlier run has left in the caches, against the guide's steps, which keep
 * nothing, and against its own work divided among the processors: no path is shorter than that.
 * @param images what their builds cost.
 */
export async function compareKept(subject: Subject, pairs: number, images: "as real ones" | "as the fixture's") {
  return await withKeepers(async (keepers) => {
    const edits = images === "as real ones" ? costly() : {};
    const boots = new KeptBoots(subject, keepers, edits);
    const [toGuide, toWork]: [number[], number[]] = [[], []];
    await boots.fill();
    for (let pair = 1; pair <= pairs; pair += 1) {
      const place = (folder: string) => placeInstalling(folder, keepers.registry, withoutLayers(edits));
      const guide = await bootByGuide(subject, place);
      const kept = await boots.withCaches();
      printPhases(`pair ${pair}, TORCH-V2 by the guide`, guide);
      printPhases(`pair ${pair}, TORCH-V2 by the Action, with what an earlier run has left`, kept);
      toGuide.push(kept.seconds / guide.seconds);
      toWork.push((kept.seconds * availableParallelism()) / kept.work);
    }
    return { toGuide: median(toGuide), toWork: median(toWork) };
  });
}

/** The same edits, on images that Docker's own builder has not built. */
function withoutLayers(edits: Edits): Edits {
  const marks = unbuilt();
  const both = Object.entries(marks).map(([file, mark]) => [file, (text: string) => mark(edits[file]?.(text) ?? text)]);
  return Object.fromEntries(both);
}

async function withKeepers<T>(compare: (keepers: Keepers) => Promise<T>): Promise<T> {
  const builder = await ContainerBuilder.create("bench-layers");
  const service = await CacheService.start(join(builder.folder, "cache"));
  // An address of this machine that containers reach.
  const address = await sh("docker", ["network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}"]);
  const registry = await startPackageRegistry({ ...VERSION_1, address });
  try {
    return await compare({ builder, service, registry });
  } finally {
    await registry.close();
    await service.stop();
    await builder.dispose();
  }
}
