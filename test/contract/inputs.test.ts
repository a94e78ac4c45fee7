import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import pLimit from "p-limit";
import { readInputNames } from "../../scripts/local/action.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { FOUND } from "../inputs/found.ts";
import { type Kind, prepareKind } from "../inputs/kind.ts";
import { describeSet, type InputSet, planSets } from "../inputs/plan.ts";
import { runSet, type Tools } from "../inputs/round.ts";
import { REFUSALS, UNCHECKED } from "../inputs/rules.ts";
import { INPUTS } from "../inputs/values.ts";

const SETS = 300;

/** The same sets each time: `npm run inputs` makes others, as inputs.yml does each week. `--seed <SEED> --only <set>` repeats one. */
const SEED = 20261127;

describe("generated inputs and kind configurations", () => {
  let tools: Tools;
  let kind: Kind;
  before(async () => {
    const machine = await prepareMachine();
    kind = await prepareKind(machine);
    tools = { machine, kind };
  });
  after(() => kind.dispose());

  const findWrong = async (sets: readonly InputSet[]) => {
    const found = await pLimit(2).map(sets, async (set) => {
      const { faults } = await runSet(set, tools);
      return faults.length === 0 ? [] : [`${describeSet(set)}\n${faults.join("\n")}`];
    });
    return found.flat();
  };

  it(`${SETS} sets end as promised, and as kind has it`, async () => {
    assert.deepEqual(await findWrong(planSets(SETS, SEED)), [], `seed ${SEED}`);
  });

  it("so do the sets that once did not", async () => {
    assert.deepEqual(await findWrong(FOUND), []);
  });

  it("what kind accepts is seen to be accepted, and what it refuses to be refused", async () => {
    const head = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";
    for (const latest of [false, true]) {
      assert.deepEqual(await kind.judge(`${head}nodes: [{role: control-plane}, {role: worker}]\n`, latest), {
        accepted: true,
      });
      for (const [text, words] of [
        [`${head}nodes: [{role: master}]\n`, /"master" is not a valid node role/],
        [`${head}none: 1\n`, /field none not found/],
        [`${head}kubeadmConfigPatches: ['kind: [']\n`, /failed to parse patches/],
      ] as const) {
        const verdict = await kind.judge(text, latest);
        assert.match(verdict.accepted ? "accepted" : verdict.words, words);
      }
    }
  });

  it("every input of the Action is among them, and every reason stands in the documentation", async () => {
    // Those of the runner's are no input of a user's.
    const names = (await readInputNames()).filter((name) => name !== "job-status" && name !== "matrix-index");
    assert.deepEqual(names.toSorted(), Object.keys(INPUTS).toSorted());
    const text = await readFile(join(import.meta.dirname, "../../docs/validation.md"), "utf8");
    const words = text.replaceAll(/\s+/g, " ");
    for (const { documented } of [...REFUSALS, ...UNCHECKED]) assert.ok(words.includes(documented), documented);
  });
});
