import assert from "node:assert/strict";
import { test } from "node:test";
import { only } from "../builders.ts";
import { decide, planOf, problemsOf } from "./planning.ts";

const inputs = { cniManifests: ["/ws/one.yaml", "/ws/two.yaml"] };

test("cni-manifests without a kind configuration are refused, with the field that is missing", () => {
  const problem = only(problemsOf({ inputs }));
  assert.deepEqual([problem.input, problem.value], ["cni-manifests", "/ws/one.yaml, /ws/two.yaml"]);
  assert.match(`${problem.reason} ${problem.fix}`, /second pod network.*networking\.disableDefaultCNI: true/);
});

test("cni-manifests with a kind configuration that keeps kind's own network are refused, with both names", () => {
  for (const config of ["name: mine\n", "networking:\n  disableDefaultCNI: false\n"]) {
    const problem = only(problemsOf({ inputs, config }));
    assert.equal(problem.input, "cni-manifests and kind-config");
    assert.equal(/\(inline, line 4, column 22\)/.test(problem.reason), config.startsWith("networking"), problem.reason);
  }
});

test("a kind configuration that was rejected causes no problem with cni-manifests", () => {
  const decided = decide({ inputs, rejected: ["kind-config"] });
  assert.deepEqual("problems" in decided ? decided.problems : [], []);
});

test("with disableDefaultCNI nothing of kindnetd's is written, and the boot is fast", () => {
  const { boot } = planOf({ inputs, config: "networking: {disableDefaultCNI: true}\n" });
  assert.ok("fastBoot" in boot);
  assert.equal(boot.fastBoot.connectsPods, false);
  assert.equal(boot.fastBoot.podSubnets.size, 2);
});
