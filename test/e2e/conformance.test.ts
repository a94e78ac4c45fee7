import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readConformance } from "../../scripts/docs/conformance.ts";
import { conformancePrograms } from "../../testbed/conformance-programs.ts";
import { releaseOf } from "../../testbed/releases.ts";
import { type Cluster, createCluster } from "../conformance/clusters.ts";
import { type Found, listTests, type Portion, runTests } from "../conformance/ginkgo.ts";
import { isSerial } from "../conformance/portions.ts";

const MINOR = "1.28";
/** How many run at the same time: they mostly wait. */
const PROCESSES = 12;
/** A generous limit; on two processors they take under four minutes. */
const MINUTES = 20;

const { fixed } = await readConformance(join(import.meta.dirname, "../.."));

function secondsSince(begin: number): number {
  return Math.round((performance.now() - begin) / 1000);
}

/** Those that run beside others, then those that must run alone. */
async function runBoth(portion: Portion): Promise<Found> {
  const runSome = async (names: readonly string[], processes: number) => {
    const begin = performance.now();
    try {
      const some = await runTests({ ...portion, names, processes });
      console.error(`${names.length} tests, ${processes} at a time: ${secondsSince(begin)} s`);
      return some;
    } catch (error) {
      console.error((await readFile(portion.log, "utf8")).split("\n").slice(-100).join("\n"));
      throw error;
    }
  };
  const beside = await runSome(
    portion.names.filter((name) => !isSerial(name)),
    portion.processes,
  );
  const alone = await runSome(portion.names.filter(isSerial), 1);
  return {
    results: new Map([...beside.results, ...alone.results]),
    messages: new Map([...beside.messages, ...alone.messages]),
  };
}

/** Kubernetes' own tests on two nodes with the accelerated boot, a fixed part of what `npm run conformance` runs. */
describe(`Kubernetes ${MINOR}'s conformance tests`, () => {
  let folder: string;
  let cluster: Cluster | undefined;
  let known: readonly string[];
  let found: Found;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "kind-torch-conformance-"));
    const programs = await conformancePrograms(releaseOf(MINOR), console.error);
    const begin = performance.now();
    known = await listTests(programs.tests);
    cluster = await createCluster("action", MINOR, "e2e-conformance");
    console.error(`the tests are listed and the cluster is there after ${secondsSince(begin)} s`);
    const names = Object.values(fixed).flat();
    const log = join(folder, "ginkgo.log");
    const portion = { programs, cluster, names, processes: PROCESSES, minutes: MINUTES, log };
    found = await runBoth(portion);
  });
  after(async () => {
    await cluster?.remove();
    await rm(folder, { recursive: true });
  });

  for (const [area, names] of Object.entries(fixed)) {
    describe(area, () => {
      for (const name of names) {
        it(name, () => {
          assert.ok(known.includes(name), "not a conformance test of this version");
          const { state } = found.results.get(name) ?? {};
          assert.equal(state, "passed", found.messages.get(name) ?? "it did not end in time");
        });
      }
    });
  }
});
