import { appendFileSync } from "node:fs";

appendFileSync(process.env.GITHUB_OUTPUT ?? "", `cache-primary-key=${process.env.INPUT_KEY}\n`);
