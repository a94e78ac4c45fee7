import assert from "node:assert/strict";
import type { ClusterContainer } from "../../../src/docker/cluster-containers.ts";
import type { Problem } from "../../../src/errors.ts";
import type { Host } from "../../../src/host/inspect.ts";
import type { Inputs } from "../../../src/inputs/inputs.ts";
import type { TakenSubnet } from "../../../src/liqo/subnets.ts";
import { type Plan, planRun } from "../../../src/plan/plan.ts";
import { CATALOG, configure, createInputs, createSurvey, FOLDERS } from "../builders.ts";

/** What a plan of a test is made from, where it differs from a workflow that sets nothing on a machine without problems. */
export interface Facts {
  readonly inputs?: Partial<Inputs>;
  readonly survey?: Partial<Host>;
  readonly config?: string;
  readonly catalog?: typeof CATALOG;
  readonly rejected?: readonly string[];
  readonly takenSubnets?: readonly TakenSubnet[];
}

export function decide({
  inputs = {},
  survey = {},
  config,
  catalog = CATALOG,
  rejected = [],
  takenSubnets = [],
}: Facts) {
  return planRun({
    takenSubnets,
    inputs: createInputs(inputs),
    files: {
      configuration: config === undefined ? undefined : configure(config),
      catalog,
      imageArchives: [],
      problems: [],
    },
    host: createSurvey(survey),
    rejected: new Set(rejected),
    folders: FOLDERS,
    runId: "0a1b",
    artifactNameFor: (prefix, cluster) => `${prefix}-${cluster}`,
  });
}

export function planOf(facts: Facts): Plan {
  const decided = decide(facts);
  assert.ok("plan" in decided, JSON.stringify(decided));
  return decided.plan;
}

export function problemsOf(facts: Facts): readonly Problem[] {
  const decided = decide(facts);
  assert.ok("problems" in decided && decided.problems.length > 0, JSON.stringify(decided));
  for (const problem of decided.problems) {
    for (const part of [problem.input, problem.value, problem.reason, problem.allowed, problem.fix])
      assert.notEqual(part, "");
  }
  return decided.problems;
}

/** A node of a cluster. */
export const container = (cluster: string): ClusterContainer => ({
  id: "1",
  name: `${cluster}-control-plane`,
  cluster,
  created: "2026-01-01T00:00:00Z",
  mounts: [],
});

/** A machine whose disk for images is full. */
export const FULL = { images: { folder: "/d", bytes: 0 }, volumes: undefined };
