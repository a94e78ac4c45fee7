import { parseArgs } from "node:util";
import { runHosted } from "./run.ts";

const usage = `usage: npm run hosted -- [--catalog built-in|bed] [--kubernetes <minor>]... [--image-store docker|containerd] test <part>... | job <workflow> [<option of act>]...`;
const log = (line: string): void => console.error(`[hosted] ${line}`);

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  // What follows the command belongs to it.
  const command = words.findIndex((word) => word === "test" || word === "job");
  const { values } = parseArgs({
    args: words.slice(0, Math.max(command, 0)),
    options: {
      catalog: { type: "string", default: "bed" },
      kubernetes: { type: "string", multiple: true, default: ["1.28"] },
      "image-store": { type: "string", default: "docker" },
    },
  });
  const { catalog, kubernetes, "image-store": imageStore } = values;
  if (imageStore !== "docker" && imageStore !== "containerd") throw new Error(usage);
  if (command < 0 || (catalog !== "bed" && catalog !== "built-in")) throw new Error(usage);
  const program = words[command] === "test" ? "test/main.ts" : "test/e2e/act/job.ts";
  const scripts = [[program, ...words.slice(command + 1)]];
  return (await runHosted({ scripts, catalog, kubernetes, imageStore, log, onLine: console.log })) ?? 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
