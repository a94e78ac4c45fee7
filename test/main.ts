import { execFile } from "node:child_process";
import { cp, glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { promisify } from "node:util";
import { readExamples, useOwnAction } from "../scripts/docs/examples.ts";
import { recordingOptions, updateMessages } from "../scripts/docs/messages.ts";
import { ALONE, LONG, WITH_TORCH } from "./lanes.ts";
import { installActionlint, installZizmor } from "./programs.ts";

const ROOT = join(import.meta.dirname, "..");
const execute = promisify(execFile);

let passed = 0;
let failed = 0;
/** How many tests, or groups of them, did not run, by the reason that they give. */
const skipped = new Map<string, number>();

/** How long each test file took, in seconds, by its path. */
const durations = new Map<string, number>();

/** One check that is a command or a comparison: counted like a test, and printed when it fails. */
async function check(name: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  try {
    await work();
    passed += 1;
    console.log(`✔ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    const output = typeof error === "object" && error !== null && "stdout" in error ? `${error.stdout}` : "";
    console.log(`✖ ${name}\n${output}${error instanceof Error ? error.message : error}`);
  }
}

async function command(file: string, ...args: readonly string[]): Promise<void> {
  await commandIn(ROOT, file, ...args);
}

async function commandIn(cwd: string, file: string, ...args: readonly string[]): Promise<void> {
  await execute(file, [...args], { cwd, timeout: 300_000, maxBuffer: 64 * 1024 * 1024 });
}

/** The committed bundle is what its sources make. The contract tests show that it also runs. */
async function checkDist(): Promise<void> {
  const fresh = await mkdtemp(join(tmpdir(), "dist-"));
  try {
    await command(process.execPath, "scripts/build.ts", fresh);
    const [committed, rebuilt] = await Promise.all([readdir(join(ROOT, "dist")), readdir(fresh)]);
    const names = [...new Set([...committed, ...rebuilt])].toSorted();
    let bytes = 0;
    for (const name of names) {
      const [a, b] = await Promise.all(
        [join(ROOT, "dist", name), join(fresh, name)].map((path) => readFile(path).catch(() => undefined)),
      );
      if (a === undefined || b === undefined || !a.equals(b)) {
        throw new Error(`dist/${name} is not what the sources make: run npm run build and commit dist`);
      }
      bytes += a.length;
    }
    if (bytes > 2.3e6) throw new Error(`dist has ${bytes} bytes, more than 2.3 MB: every job downloads it`);
  } finally {
    await rm(fresh, { recursive: true });
  }
}

/** zizmor's strictest view, offline. What it cannot read fails, too. */
const ZIZMOR_ARGS = ["--offline", "--quiet", "--no-progress", "--persona=auditor", "--strict-collection"] as const;

/** GitHub accepts every workflow and action, and none has more permissions than it needs. */
async function checkWorkflows(): Promise<void> {
  const [actionlint, zizmor] = await Promise.all([installActionlint(console.error), installZizmor(console.error)]);
  await command(actionlint);
  await command(zizmor, ...ZIZMOR_ARGS, ".");
}

/** The workflows of every YAML example of the README and of docs, by a name that says where each comes from. */
async function readAllExamples(): Promise<ReadonlyMap<string, string>> {
  const documents = ["README.md"];
  for await (const path of glob("docs/**/*.md", { cwd: ROOT })) documents.push(path);
  const examples = new Map<string, string>();
  for (const path of documents) {
    for (const [index, { workflow }] of readExamples(await readFile(join(ROOT, path), "utf8")).entries()) {
      examples.set(`${path.replaceAll(/\W/g, "-")}-${index + 1}.yml`, workflow);
    }
  }
  return examples;
}

/**
 * Every YAML example is a workflow that GitHub accepts, with inputs that exist, and with no more permissions than it
 * needs. zizmor sees it as its reader will have it, with the Action from another repository.
 */
async function checkExamples(): Promise<void> {
  const [actionlint, zizmor] = await Promise.all([installActionlint(console.error), installZizmor(console.error)]);
  const [own, readers] = await Promise.all(
    ["own-", "readers-"].map((name) => mkdtemp(join(tmpdir(), `examples-${name}`))),
  );
  if (own === undefined || readers === undefined) throw new Error("there is no folder for the examples");
  try {
    for (const path of [".github", "action.yml", "dist"]) {
      await cp(join(ROOT, path), join(own, path), { recursive: true });
    }
    await mkdir(join(readers, ".github/workflows"), { recursive: true });
    const examples = await readAllExamples();
    if (examples.size < 5) throw new Error(`there are ${examples.size} examples`);
    for (const [name, workflow] of examples) {
      await writeFile(join(own, ".github/workflows", name), useOwnAction(workflow));
      await writeFile(join(readers, ".github/workflows", name), workflow);
    }
    await commandIn(own, "git", "init", "--quiet");
    await commandIn(own, actionlint);
    await commandIn(readers, zizmor, ...ZIZMOR_ARGS, `--config=${join(ROOT, "docs/zizmor.yml")}`, ".");
  } finally {
    await Promise.all([own, readers].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

function count(reason: string): void {
  skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
}

async function find(pattern: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: ROOT })) files.push(join(ROOT, file));
  if (files.length === 0) throw new Error(`no test file matches ${pattern}`);
  return files.toSorted();
}

/** Runs test files, one after the other if they share the machine; every test in them counts. */
async function runTests(
  files: readonly string[],
  concurrency: number,
  output: NodeJS.WritableStream,
  options: { readonly execArgv?: string[] } = {},
): Promise<void> {
  const stream = run({ files, concurrency, timeout: 1_800_000, ...options });
  stream.on("test:pass", ({ details, skip, todo }) => {
    const reason = skip ?? todo;
    // The tests of a group that is skipped as a whole are not counted.
    if (reason !== undefined) count(`${reason}${details.type === "suite" ? " (groups of tests)" : ""}`);
    else if (details.type !== "suite") passed += 1;
  });
  stream.on("test:summary", ({ file, duration_ms }) => {
    if (file !== undefined) durations.set(relative(ROOT, file), Math.round(duration_ms / 1000));
  });
  stream.on("test:fail", ({ details }) => {
    // A suite can fail by itself too: in a hook, or while it is built.
    const cause = "failureType" in details.error ? details.error.failureType : undefined;
    if (details.type !== "suite" || cause !== "subtestsFailed") failed += 1;
  });
  const report = stream.compose(new spec());
  for await (const text of report) output.write(text);
}

/** Runs the unit tests, and compares the messages that they make with the documentation. */
async function runUnitTests(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "messages-"));
  try {
    const files = await find("test/unit/**/*.test.ts");
    await runTests(files, availableParallelism(), process.stdout, recordingOptions(folder));
    await check("docs/messages.md", () => updateMessages(folder, "compare"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Runs end-to-end tests. One lane boots TORCH-V2 and mostly waits; the rest runs in parallel to it, and its lines are
 * marked.
 */
async function runEndToEnd(files: readonly string[]): Promise<void> {
  const filesOf = (names: readonly string[]) => files.filter((file) => names.includes(basename(file, ".test.ts")));
  const [torch, alone] = [filesOf(WITH_TORCH), filesOf(ALONE)];
  const others = files.filter((file) => !torch.includes(file) && !alone.includes(file));
  const beside = new PassThrough();
  createInterface({ input: beside }).on("line", (line) => console.log(`| ${line}`));
  await Promise.all([runTests(others, 1, beside).finally(() => beside.end()), runTests(torch, 1, process.stdout)]);
  await runTests(alone, 1, process.stdout);
}

const endToEnd = await find("test/e2e/*.test.ts");
const long = LONG.map((name) => join(ROOT, `test/e2e/${name}.test.ts`));
const short = endToEnd.filter((file) => !long.includes(file));
// What is cheap and tells most comes first. Everything runs, whatever fails.
const wanted = process.argv.slice(2);
const parts: readonly (readonly [string, () => Promise<void>])[] = [
  ["types", () => check("types", () => command("node_modules/.bin/tsc"))],
  ["lint", () => check("lint and format", () => command("node_modules/.bin/biome", "ci", "--error-on-warnings"))],
  ["workflows", () => check("workflows", checkWorkflows)],
  ["examples", () => check("the documentation's examples", checkExamples)],
  ["docs", () => check("generated tables", () => command(process.execPath, "scripts/docs/tables.ts", "--check"))],
  ["dist", () => check("dist is rebuilt identically", checkDist)],
  ["unit", runUnitTests],
  ["contract", async () => runTests(await find("test/contract/*.test.ts"), 1, process.stdout)],
  ["e2e", () => runEndToEnd(short)],
];
const named: typeof parts = [
  ["long", () => runEndToEnd(long)],
  // One file of the end-to-end tests, by its name: what a job of ci.yml takes.
  ...endToEnd.map((file) => [basename(file, ".test.ts"), () => runTests([file], 1, process.stdout)] as const),
];
// A plain npm test does not compile a Kubernetes for minors.test.ts.
if (wanted.length === 0) process.env.BUILDS = "none";
const unknown = wanted.filter((word) => ![...parts, ...named].some(([name]) => name === word));
if (unknown.length > 0) {
  const known = [...parts, ...named].map(([name]) => name).join(", ");
  console.error(`not a part: ${unknown.join(", ")}; there are ${known}`);
  process.exit(2);
}
for (const [name, work] of parts) if (wanted.length === 0 || wanted.includes(name)) await work();
const covered = [["e2e", short] as const, ["long", long] as const].flatMap(([name, files]) =>
  wanted.includes(name) ? files.map((file) => basename(file, ".test.ts")) : [],
);
for (const [name, work] of named) if (wanted.includes(name) && !covered.includes(name)) await work();
const slowest = [...durations].toSorted(([, a], [, b]) => b - a).filter(([, seconds]) => seconds >= 30);
for (const [file, seconds] of slowest) console.log(`${file} took ${seconds} s`);
if (wanted.length === 0) console.log(`${long.length} files did not run: npm test -- long runs ${LONG.join(", ")}`);
for (const [reason, number] of skipped) console.log(`${number} did not run: ${reason}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
