import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { renderKindConfiguration } from "../../../src/cluster/config/render.ts";
import { candidateSubnets, type TakenSubnet } from "../../../src/liqo/subnets.ts";
import { ADDITIONS, only, VERSIONS } from "../builders.ts";
import { decide, type Facts, planOf, problemsOf } from "../plan/planning.ts";

const liqo = (facts: Facts = {}): Facts => ({ ...facts, inputs: { liqo: true, ...facts.inputs } });
const cataniaHas = (subnet: string): TakenSubnet => ({
  subnet,
  holder: "the pods of the cluster catania",
  cluster: "catania",
});
const [FIRST, SECOND] = candidateSubnets("bologna");

/** The networking that kind gets. */
function networkingOf(facts: Facts) {
  const { shape, configuration } = planOf(facts);
  return parse(renderKindConfiguration(shape, VERSIONS, configuration, ADDITIONS)).networking;
}

test("without the option kind's own subnets stay, and nothing is added to its configuration", () => {
  assert.equal(planOf({}).shape.subnets, undefined);
  assert.equal("podSubnet" in networkingOf({}), false);
});

test("kind and the fast boot get subnets that follow from the name", () => {
  const plan = planOf(liqo());
  assert.deepEqual(plan.shape.subnets, FIRST);
  const { podSubnet, serviceSubnet } = networkingOf(liqo());
  assert.deepEqual({ podSubnet, serviceSubnet }, FIRST);
  assert.ok("fastBoot" in plan.boot, JSON.stringify(plan.boot));
  assert.equal(plan.boot.fastBoot.podSubnet, FIRST?.podSubnet);
  assert.match(plan.boot.fastBoot.podSubnets.get("bologna-worker") ?? "", /^10\.\d+\.1\.0\/24$/);
});

test("subnets that others have are passed over, those of the cluster that is replaced are not", () => {
  const taken = cataniaHas(FIRST?.podSubnet ?? "");
  assert.deepEqual(planOf(liqo({ takenSubnets: [taken] })).shape.subnets, SECOND);
  const network = { subnet: FIRST?.serviceSubnet ?? "", holder: "Docker's network lab" };
  assert.deepEqual(planOf(liqo({ takenSubnets: [network] })).shape.subnets, SECOND);
  assert.deepEqual(planOf(liqo({ takenSubnets: [{ ...taken, cluster: "bologna" }] })).shape.subnets, FIRST);
});

test("subnets of the kind configuration stay as they are written; only what is missing is chosen", () => {
  const config = `networking: {podSubnet: ${FIRST?.podSubnet}}\n`;
  const { podSubnet, serviceSubnet } = networkingOf(liqo({ config }));
  assert.deepEqual({ podSubnet, serviceSubnet }, { podSubnet: FIRST?.podSubnet, serviceSubnet: SECOND?.serviceSubnet });
  const both = "networking: {podSubnet: 10.10.0.0/16, serviceSubnet: 10.20.0.0/16}\n";
  assert.equal(planOf(liqo({ config: both })).shape.subnets, undefined);
  assert.equal(planOf(liqo({ config: both })).shape.podSubnet, "10.10.0.0/16");
});

test("a subnet of the kind configuration that another cluster has is refused, and both are named", () => {
  const config = "networking: {podSubnet: 10.10.0.0/16, serviceSubnet: 10.20.0.0/16}\n";
  const facts = { config, takenSubnets: [cataniaHas("10.10.128.0/24")] };
  const problem = only(problemsOf(liqo(facts)));
  assert.equal(problem.input, "kind-config and liqo");
  assert.match(
    problem.reason,
    /line 3, column \d+: networking\.podSubnet: 10\.10\.0\.0\/16 and the pods of the cluster catania \(10\.10\.128\.0\/24\)/,
  );
  // Without the option each cluster may have what it likes, and so may one that is replaced.
  planOf(facts);
  planOf(liqo({ config, takenSubnets: [{ ...cataniaHas("10.10.128.0/24"), cluster: "bologna" }] }));
});

test("kind's default in the place of what is chosen is no reason to refuse", () => {
  planOf(liqo({ survey: { subnets: [{ network: "kind", subnet: "10.244.0.0/16" }] } }));
  const config = "networking: {serviceSubnet: 10.20.0.0/16}\n";
  planOf(liqo({ config, survey: { subnets: [{ network: "kind", subnet: "10.244.0.0/16" }] } }));
});

test("a name that cannot be a cluster id is refused", () => {
  for (const clusterName of ["a.b", "bologna-"]) {
    const problem = only(problemsOf(liqo({ inputs: { clusterName } })));
    assert.equal(problem.input, "cluster-name and liqo");
    assert.equal(problem.value, clusterName);
    assert.match(problem.reason, /DNS label/);
    planOf({ inputs: { clusterName } });
  }
  const problem = only(problemsOf(liqo({ config: "name: a.b\n" })));
  assert.match(`${problem.input} ${problem.value}`, /^kind-config and liqo name: a\.b \(line 3/);
});

test("other address families are refused, and so is an engine without a free subnet", () => {
  const family = only(problemsOf(liqo({ config: "networking: {ipFamily: dual}\n" })));
  assert.match(family.reason, /networking\.ipFamily: dual .* IPv4/);
  const everything = { subnet: "10.0.0.0/8", holder: "this machine's network eth0" };
  assert.match(only(problemsOf(liqo({ takenSubnets: [everything] }))).reason, /finds no subnets/);
  const config = "networking: {podSubnet: 172.30.0.0/16, serviceSubnet: 172.31.0.0/16}\n";
  planOf(liqo({ config, takenSubnets: [everything] }));
});

test("no problem follows from a configuration that was refused", () => {
  const decided = decide(liqo({ config: "name: a.b\n", rejected: ["kind-config"] }));
  assert.deepEqual("problems" in decided ? decided.problems : [], []);
});
