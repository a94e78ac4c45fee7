import { glob, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { object, optional, string } from "valibot";
import { readJson } from "../../src/values/json.ts";
import { comparable, renderMessages } from "./message-list.ts";

/**
 * docs/messages.md: every message that a unit test makes, with that test, and the texts of those that none makes.
 * `node scripts/docs/messages.ts` runs the unit tests and writes it; `npm test -- unit` compares it.
 */

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENT = "docs/messages.md";
const recordSchema = object({
  site: string(),
  test: string(),
  input: optional(string()),
  text: string(),
  fix: optional(string()),
});

/** Runs test files with what they make recorded in a folder. */
export function recordingOptions(folder: string): { readonly execArgv: string[] } {
  process.env.MESSAGES_FOLDER = folder;
  return { execArgv: [`--import=${join(import.meta.dirname, "record-messages.ts")}`] };
}

/** Writes the document from what was recorded, or says whether it has all the messages, and no others. */
export async function updateMessages(folder: string, write: "write" | "compare"): Promise<void> {
  const files = (await readdir(folder)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const records = texts.flatMap((text) => text.split("\n").filter((line) => line !== ""));
  const messages = records.map((line) => readJson(recordSchema, line));
  const sources = new Map<string, string>();
  for await (const path of glob("src/**/*.ts", { cwd: ROOT }))
    sources.set(path, await readFile(join(ROOT, path), "utf8"));
  const wanted = renderMessages(messages, sources);
  if (write === "write") return await writeFile(join(ROOT, DOCUMENT), wanted);
  const written = await readFile(join(ROOT, DOCUMENT), "utf8").catch(() => "");
  const [has, needs] = [comparable(written), comparable(wanted)];
  const different = [...has].filter((entry) => !needs.has(entry)).concat([...needs].filter((entry) => !has.has(entry)));
  if (different.length > 0)
    throw new Error(`${DOCUMENT} is out of date. Fix: run npm run docs.\n${different.join("\n")}`);
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), "messages-"));
  try {
    const files: string[] = [];
    for await (const file of glob("test/unit/**/*.test.ts", { cwd: ROOT })) files.push(join(ROOT, file));
    const stream = run({ files: files.toSorted(), concurrency: true, ...recordingOptions(folder) });
    stream.on("test:fail", ({ name }) => {
      console.error(`The unit test "${name}" fails: the messages are not complete. Fix: run npm test -- unit.`);
      process.exitCode = 1;
    });
    await stream.resume().toArray();
    await updateMessages(folder, "write");
  } finally {
    await rm(folder, { recursive: true });
  }
}
