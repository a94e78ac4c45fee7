import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Runs as main too; post, which runs after the post of every later step, writes over that.
const { PROOF = "", RUNNER_TEMP = "" } = process.env;
writeFileSync(join(PROOF, "runner-temp.json"), JSON.stringify(readdirSync(RUNNER_TEMP, { recursive: true })));
