import { join } from "node:path";
import { COMPONENTS } from "../../src/torch/components.ts";
import { ContainerBuilder } from "../e2e/layers/builder.ts";
import { CacheService } from "../e2e/layers/cache-service.ts";
import { placeTorch } from "../e2e/torch.ts";
import { createWithAction, median, printPhases, type Subject } from "./create.ts";

/** What building an image costs, in seconds of a processor, beyond what the fixture's own Dockerfile does. */
const BUILD_SECONDS = 60;

/** A TORCH-V2 whose two images with a build of their own cost as much as real ones; the same each time. */
export async function placeCostly(folder: string): Promise<void> {
  const work = `RUN perl -e '1 while (times)[0] < ${BUILD_SECONDS}'`;
  const edits = [COMPONENTS.dashboard, COMPONENTS.services].map(
    (component) =>
      [join(component.folder, "Dockerfile"), (text: string) => text.replace(/^(?=CMD )/m, `${work}\n`)] as const,
  );
  await placeTorch(folder, Object.fromEntries(edits));
}

/**
 * The whole boot with what an earlier run has left in the caches, against the same without caches. Each has a builder in
 * which nothing was built. What else is kept between runs is given to the second by an input.
 */
export async function compareCached(subject: Subject, pairs: number): Promise<number> {
  const builder = await ContainerBuilder.create("bench-layers");
  const service = await CacheService.start(join(builder.folder, "cache"));
  const runtime = service.environmentFor([{ scope: "refs/heads/main", write: true }]);
  const boot = async (environment: Readonly<Record<string, string>>, inputs: Readonly<Record<string, string>> = {}) => {
    await builder.renew();
    const own = { ...subject, place: placeCostly, environment: { ...builder.environment, ...environment } };
    return await createWithAction(own, 1, { "cluster-name": "bench-layers", torch: "torch_v2", ...inputs });
  };
  const ratios: number[] = [];
  try {
    const earlier = join(builder.folder, "torch_v2");
    await placeCostly(earlier);
    for (const { name, folder } of Object.values(COMPONENTS)) {
      const { seconds } = await builder.build({
        context: join(earlier, folder),
        component: name,
        environment: runtime,
      });
      console.log(`    earlier run, image of the ${name}: ${seconds.toFixed(1)} s`);
    }
    for (let pair = 1; pair <= pairs; pair += 1) {
      const without = await boot({});
      const cached = await boot(runtime);
      printPhases(`pair ${pair}, without caches`, without);
      printPhases(`pair ${pair}, with what an earlier run has left`, cached);
      console.log(`    the builds' work: ${(without.work - cached.work).toFixed(1)} CPU s`);
      ratios.push(cached.seconds / without.seconds);
    }
  } finally {
    await service.stop();
    await builder.dispose();
  }
  console.log(`    ratios: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}\n`);
  return median(ratios);
}
