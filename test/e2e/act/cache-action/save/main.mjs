import { readdirSync } from "node:fs";

const files = readdirSync(process.env.INPUT_PATH ?? "");
if (files.length === 0) throw new Error("nothing to save");
console.log(`Would save ${files.length} file(s) as ${process.env.INPUT_KEY}`);
