import { availableParallelism } from "node:os";
import { createWithAction, median, printPhases, type Subject } from "./create.ts";
import { bootByGuide } from "./guide.ts";

/**
 * The whole boot of TORCH-V2, against the guide's steps in sequence and against the longest path: the time of the
 * slowest component from its image to its service (the service layer's starts with the credentials), or the
 * processors' work. Same images, same two nodes, and no layer built before.
 */
export async function compareBoots(subject: Subject, pairs: number) {
  const toGuide: number[] = [];
  const toLongestPath: number[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const guide = await bootByGuide(subject);
    const cluster = await createWithAction(subject, 1);
    const action = await createWithAction(subject, 1, { torch: "torch_v2" });
    const work = action.work / availableParallelism();
    printPhases(`pair ${pair}, TORCH-V2 by the guide`, guide);
    printPhases(`pair ${pair}, TORCH-V2 by the Action`, action);
    const { dashboard, engine, services } = guide.components;
    const paths = {
      dashboard: dashboard.build + dashboard.start,
      engine: engine.build + engine.start,
      "service layer": Math.max(services.build, cluster.seconds) + services.start,
      "work per core": work,
    };
    const list = Object.entries(paths).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
    console.log(`    paths: ${list.join(", ")}`);
    toGuide.push(action.seconds / guide.seconds);
    toLongestPath.push(action.seconds / Math.max(...Object.values(paths)));
  }
  for (const [name, ratios] of Object.entries({ toGuide, toLongestPath })) {
    console.log(`    ${name}: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
  }
  return { toGuide: median(toGuide), toLongestPath: median(toLongestPath) };
}
