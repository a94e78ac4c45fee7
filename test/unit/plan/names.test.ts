import assert from "node:assert/strict";
import { test } from "node:test";
import { only } from "../builders.ts";
import { container, planOf, problemsOf } from "./planning.ts";

test("an existing cluster of that name is a problem, unless it is to be replaced; another cluster is not", () => {
  const there = { containers: [container("bologna")] };
  const problem = only(problemsOf({ survey: there }));
  assert.equal(problem.input, "cluster-name");
  assert.match(problem.fix, /existing: replace/);
  planOf({ survey: there, inputs: { existing: "replace" } });
  planOf({ survey: { containers: [container("bologna2")] } });
  assert.equal(
    only(problemsOf({ survey: { containers: [container("mine")] }, config: "name: mine\n" })).value,
    "name: mine (line 3, column 7 of inline)",
  );
});

test("a container of something else with a node's name is refused, and never replaced", () => {
  const held = { name: "bologna-control-plane", cluster: "", image: "busybox", status: "Exited (0) 2 days ago" };
  for (const existing of ["fail", "replace"] as const) {
    const problem = only(problemsOf({ survey: { names: [held] }, inputs: { existing } }));
    assert.deepEqual([problem.input, problem.value], ["cluster-name", "bologna"]);
    assert.match(problem.reason, /bologna-control-plane .*busybox, Exited/);
    assert.match(problem.fix, /existing: replace does not/);
  }
  const other = { ...held, cluster: "other" };
  assert.match(only(problemsOf({ survey: { names: [other] } })).reason, /bologna-control-plane/);
  planOf({ survey: { names: [{ ...held, name: "bologna-control-plane2" }] } });
  const balancer = { ...held, name: "bologna-external-load-balancer" };
  planOf({ survey: { names: [balancer] } });
  assert.match(
    only(problemsOf({ survey: { names: [balancer] }, inputs: { controlPlanes: 3 } })).reason,
    /load-balancer/,
  );
});

test("a container with the cluster's label that is not a node is refused, whatever existing says", () => {
  const labelled = { ...container("bologna"), name: "web" };
  for (const existing of ["fail", "replace"] as const) {
    assert.match(
      only(problemsOf({ survey: { containers: [labelled] }, inputs: { existing } })).reason,
      /container web/,
    );
  }
});
