import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, nullish, number, object, optional, string } from "valibot";
import { readJson } from "../../src/values/json.ts";
import { sh } from "../e2e/harness.ts";
import type { Cluster } from "./clusters.ts";
import type { Result } from "./results.ts";

/** What ginkgo writes about each test, as far as it is read here. */
const report = array(
  object({
    SpecReports: nullish(
      array(
        object({
          ContainerHierarchyTexts: nullish(array(string())),
          LeafNodeType: string(),
          LeafNodeText: string(),
          State: string(),
          RunTime: optional(number()),
          Failure: optional(object({ Message: optional(string()) })),
        }),
      ),
    ),
  }),
);

interface Spec {
  readonly name: string;
  readonly state: string;
  readonly seconds: number;
  readonly message: string;
}

/** The tests of a report, by the names that the focus is compared with. */
export function parseReport(text: string): readonly Spec[] {
  return readJson(report, text)
    .flatMap(({ SpecReports }) => SpecReports ?? [])
    .filter(({ LeafNodeType }) => LeafNodeType === "It")
    .map((spec) => ({
      name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(" "),
      state: spec.State,
      seconds: Math.round((spec.RunTime ?? 0) / 1e8) / 10,
      message: spec.Failure?.Message ?? "",
    }));
}

/** Every conformance test of the program. */
export async function listTests(tests: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-conformance-"));
  try {
    const file = join(folder, "report.json");
    const flags = ["dry-run", `json-report=${file}`, "focus=\\[Conformance\\]"];
    await sh(
      tests,
      flags.map((flag) => `--ginkgo.${flag}`),
    );
    const chosen = parseReport(await readFile(file, "utf8")).filter(({ state }) => state === "passed");
    return chosen.map(({ name }) => name);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A regular expression, in Go's syntax, for these names and no other test. */
export function focusOn(names: readonly string[]): string {
  return ` (${names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|")})$`;
}

/** What is run where. */
export interface Portion {
  readonly programs: { readonly tests: string; readonly ginkgo: string };
  readonly cluster: Cluster;
  readonly names: readonly string[];
  /** How many tests run at the same time. */
  readonly processes: number;
  /** After these, what still runs is ended, and has no result. */
  readonly minutes: number;
  /** Where ginkgo's own words go. */
  readonly log: string;
  /** Ends the tests; there are no results then. */
  readonly signal?: AbortSignal;
}

/** What a portion found. A test that was ended by the time limit has no result. */
export interface Found {
  readonly results: ReadonlyMap<string, Result>;
  readonly messages: ReadonlyMap<string, string>;
}

/** Runs tests by their names. @throws where ginkgo ends without a report. */
export async function runTests(portion: Portion): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-conformance-"));
  try {
    await runGinkgo(portion, folder);
    const text = await readFile(join(folder, "report.json"), "utf8").catch(() => undefined);
    if (text === undefined) throw new Error(`ginkgo wrote no report. Fix: read ${portion.log}.`);
    const specs = parseReport(text).filter(({ state }) => ["passed", "failed", "panicked"].includes(state));
    const asResult = ({ state, seconds }: Spec): Result => ({
      state: state === "passed" ? "passed" : "failed",
      seconds,
    });
    return {
      results: new Map(specs.map((spec) => [spec.name, asResult(spec)])),
      messages: new Map(specs.flatMap(({ name, message }) => (message === "" ? [] : [[name, message] as const]))),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runGinkgo(portion: Portion, folder: string): Promise<void> {
  const { programs, cluster, names, processes, minutes, log, signal } = portion;
  const own = [`--procs=${processes}`, "--no-color", `--timeout=${Math.ceil(minutes * 60)}s`, `--output-dir=${folder}`];
  const what = ["--json-report=report.json", `--focus=${focusOn(names)}`, programs.tests];
  const where = [`--kubeconfig=${cluster.kubeconfig}`, `--kubectl-path=${cluster.kubectl}`, "--provider=skeleton"];
  const output = createWriteStream(log);
  const child = spawn(programs.ginkgo, [...own, ...what, "--", ...where, "--num-nodes=2", "--disable-log-dump"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    ...(signal === undefined ? {} : { signal }),
  });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  output.end();
}
