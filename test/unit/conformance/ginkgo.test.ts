import assert from "node:assert/strict";
import { test } from "node:test";
import { focusOn, parseReport } from "../../conformance/ginkgo.ts";

test("a report's tests have the names that the focus is compared with", () => {
  const hook = { LeafNodeType: "SynchronizedBeforeSuite", LeafNodeText: "", State: "passed", RunTime: 1 };
  const passed = {
    ContainerHierarchyTexts: ["[sig-x] A", "b"],
    LeafNodeType: "It",
    LeafNodeText: "should c [Conformance]",
    State: "passed",
    RunTime: 1_260_000_000,
  };
  const failed = { ...passed, ContainerHierarchyTexts: null, State: "failed", Failure: { Message: "why" } };
  assert.deepEqual(parseReport(JSON.stringify([{ SpecReports: [hook, passed, failed] }])), [
    { name: "[sig-x] A b should c [Conformance]", state: "passed", seconds: 1.3, message: "" },
    { name: "should c [Conformance]", state: "failed", seconds: 1.3, message: "why" },
  ]);
  assert.deepEqual(parseReport('[{ "SpecReports": null }]'), []);
});

test("the focus is on whole names, and none of their characters means something else", () => {
  const focus = new RegExp(focusOn(["[x] a (b) c.d", "[x] a"]));
  for (const name of ["[x] a (b) c.d", "[x] a"]) assert.match(`Kubernetes e2e suite ${name}`, focus);
  for (const name of ["[x] a (b) c-d", "[x] a b", "y[x] a"]) assert.doesNotMatch(`Kubernetes e2e suite ${name}`, focus);
});
