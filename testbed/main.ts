import { parseArgs } from "node:util";
import { bedStatus, lowerBed, raiseBed } from "./bed.ts";
import { releases } from "./releases.ts";

const usage = `usage: node testbed/main.ts up [--kubernetes <minor>]... | down | status
  Kubernetes: ${releases.map(({ minor }) => minor).join(", ")} (1.28 if none is named)`;

const log = (line: string): void => console.error(`[testbed] ${line}`);

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { kubernetes: { type: "string", multiple: true } },
  });
  switch (positionals.join(" ")) {
    case "up":
      console.log(JSON.stringify(await raiseBed({ kubernetes: values.kubernetes ?? ["1.28"], log }), null, 2));
      return;
    case "down":
      await lowerBed(log);
      return;
    case "status":
      console.log(JSON.stringify(await bedStatus(), null, 2));
      return;
    default:
      throw new Error(usage);
  }
}

try {
  await main();
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
