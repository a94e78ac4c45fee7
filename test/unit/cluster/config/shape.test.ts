import assert from "node:assert/strict";
import { test } from "node:test";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { configure, createInputs, only } from "../../builders.ts";
import { render } from "./rendering.ts";

test("without any input the shape is the guide's cluster", () => {
  const shape = planShape(createInputs(), undefined);
  assert.deepEqual(
    shape.nodes.map((node) => node.name),
    ["bologna-control-plane", "bologna-worker"],
  );
  assert.deepEqual(
    [shape.apiServerAddress, shape.dns.kind, shape.defaultCni, shape.problems],
    ["127.0.0.1", "no-search-domains", true, []],
  );
});

test("the inputs count the nodes if the configuration has none", () => {
  const shape = planShape(createInputs({ controlPlanes: 2, workers: 0 }), configure("name: mine\n"));
  assert.deepEqual(
    shape.nodes.map((node) => node.name),
    ["mine-control-plane", "mine-control-plane2"],
  );
  assert.deepEqual(shape.problems, []);
});

test("a configuration without a control plane is refused", () => {
  assert.match(
    only(planShape(createInputs(), configure("nodes:\n- role: worker\n")).problems).reason,
    /^line 4, column 1: nodes has no control-plane/,
  );
});

test("a name is refused if a node's hostname would be longer than 63 characters", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [1, 0, 49],
    [1, 10, 49],
    [2, 0, 40],
  ];
  for (const [controlPlanes, workers, room] of cases) {
    const shapeOf = (clusterName: string) =>
      planShape(createInputs({ clusterName, controlPlanes, workers }), undefined);
    assert.deepEqual(shapeOf("x".repeat(room)).problems, []);
    const problem = only(shapeOf("x".repeat(room + 1)).problems);
    assert.equal(problem.input, "cluster-name");
    assert.match(problem.allowed, new RegExp(`at most ${room} `));
  }
});

test("without the default network plugin nodes cannot become ready by themselves", () => {
  assert.equal(planShape(createInputs(), configure("networking: {disableDefaultCNI: true}\n")).defaultCni, false);
});

test("the user's own search domains leave name resolution unchanged", () => {
  const user = configure("networking: {dnsSearch: [a.example]}\n");
  assert.equal(planShape(createInputs(), user).dns.kind, "inherit");
  assert.deepEqual(render({}, { user }).networking.dnsSearch, ["a.example"]);
});
