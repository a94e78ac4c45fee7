import { cp } from "node:fs/promises";
import { join } from "node:path";
import { COMPONENTS } from "../../src/torch/components.ts";
import { sh } from "../e2e/harness.ts";
import { ContainerBuilder } from "../e2e/layers/builder.ts";
import { CacheService } from "../e2e/layers/cache-service.ts";
import { dashboardVariables, type PackageRegistry, startPackageRegistry, VERSION_1 } from "../e2e/package-registry.ts";
import { DOCKER, placeTorch } from "../e2e/torch.ts";
import { createWithAction, median, printPhases, type Subject } from "./create.ts";

/** What building an image costs, in seconds of a processor, beyond what the fixture's own Dockerfile does. */
const BUILD_SECONDS = 60;

/**
 * A TORCH-V2 whose two images with a build of their own cost as much as real ones, the same each time, and whose dashboard
 * installs a registry's packages when it starts.
 */
async function placeCostly(folder: string, registry: PackageRegistry): Promise<void> {
  const work = `RUN perl -e '1 while (times)[0] < ${BUILD_SECONDS}'`;
  const variables = Object.entries(dashboardVariables(registry)).map(([name, value]) => `      - ${name}=${value}`);
  await placeTorch(folder, {
    ...Object.fromEntries(
      [COMPONENTS.dashboard, COMPONENTS.services].map((component) => [
        join(component.folder, "Dockerfile"),
        (text: string) => text.replace(/^(?=CMD )/m, `${work}\n`),
      ]),
    ),
    [`${DOCKER}/docker-compose-torch-dashboard-solver.yaml`]: (text) =>
      text.replace("environment:", ["environment:", ...variables].join("\n")),
  });
}

/** What an earlier run leaves for later ones, and a boot with it or without. */
class KeptBoots {
  readonly #subject: Subject;
  readonly #builder: ContainerBuilder;
  readonly #service: CacheService;
  readonly #registry: PackageRegistry;
  /** Stands for what is kept of the packages from one job to the next. */
  readonly #kept: string;

  constructor(subject: Subject, builder: ContainerBuilder, service: CacheService, registry: PackageRegistry) {
    this.#subject = subject;
    this.#builder = builder;
    this.#service = service;
    this.#registry = registry;
    this.#kept = join(builder.folder, "packages");
  }

  /** A whole boot with caches that are empty, which it fills. */
  async fill(): Promise<void> {
    let folder = "";
    const place = async (torch: string) => {
      await placeCostly(torch, this.#registry);
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
      await placeCostly(torch, this.#registry);
      await cp(this.#kept, join(torch, PACKAGES_FROM_TORCH), { recursive: true });
    };
    const boot = await this.#boot(place, this.#runtime(), PACKAGES);
    this.#countDownloads();
    return boot;
  }

  async withoutCaches() {
    const boot = await this.#boot((torch) => placeCostly(torch, this.#registry), {}, {});
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
  const builder = await ContainerBuilder.create("bench-layers");
  const service = await CacheService.start(join(builder.folder, "cache"));
  // An address of this machine that containers reach.
  const address = await sh("docker", ["network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}"]);
  const registry = await startPackageRegistry({ ...VERSION_1, address });
  const boots = new KeptBoots(subject, builder, service, registry);
  const ratios: number[] = [];
  try {
    await boots.fill();
    for (let pair = 1; pair <= pairs; pair += 1) {
      const without = await boots.withoutCaches();
      const cached = await boots.withCaches();
      printPhases(`pair ${pair}, without caches`, without);
      printPhases(`pair ${pair}, with what an earlier run has left`, cached);
      console.log(`    the builds' work: ${(without.work - cached.work).toFixed(1)} CPU s`);
      ratios.push(cached.seconds / without.seconds);
    }
  } finally {
    await registry.close();
    await service.stop();
    await builder.dispose();
  }
  console.log(`    ratios: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}\n`);
  return median(ratios);
}
