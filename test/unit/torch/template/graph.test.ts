import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../../../src/errors.ts";
import type { Csar } from "../../../../src/torch/template/csar.ts";
import { checkGraph, listApplications, readGraph } from "../../../../src/torch/template/graph.ts";

/** As PHP prints it: slashes and what is not ASCII are escaped. A requirement names its target before the node's own. */
const GRAPH = String.raw`[
  {"node": {"requirements": {"create": ["caff\u00e8.create"], "configure": []}, "target": "lost", "name": "bologna",
    "type": "resource", "category": "cluster", "nodeProperties": {"api-endpoint": "https:\/\/10.0.0.1:6443"}},
   "used_attributes": {}},
  {"node": {"name": "caff\u00e8", "type": "du", "category": "kubernetes-app",
    "relationships": [{"name": "location", "target": "lost"}]}, "used_attributes": {}},
  {"node": {"name": "a\/b", "type": "du", "category": "kubernetes-app",
    "relationships": {"location": {"cap_type": "torch.capabilities.Location.Container", "capability": "host",
      "target": "bologna"}}}}
]`;

const csarOf = (...nodes: readonly string[]): Csar => ({
  kind: "zip",
  template: "simple",
  files: {},
  entry: "main.yaml",
  nodes,
  clusters: ["bologna"],
  federations: [],
  unaddressed: [],
});

test("the graph is read as data: names whatever their escapes, categories, applications", () => {
  const graph = readGraph(GRAPH);
  assert.deepEqual(graph, [
    { name: "bologna", category: "cluster", location: undefined },
    { name: "caffè", category: "kubernetes-app", location: undefined },
    { name: "a/b", category: "kubernetes-app", location: "bologna" },
  ]);
  assert.deepEqual(listApplications(graph), [
    { name: "caffè", location: undefined },
    { name: "a/b", location: "bologna" },
  ]);
  checkGraph(graph, csarOf("bologna", "caffè", "a/b"));
});

test("nodes that are not nested are read as well, and one without a category is not an application", () => {
  const graph = readGraph('[{"name": "a", "category": "kubernetes-app"}, {"node": {"name": "b"}}]');
  assert.deepEqual(graph, [
    { name: "a", category: "kubernetes-app", location: undefined },
    { name: "b", category: "", location: undefined },
  ]);
  assert.deepEqual(listApplications(graph), [{ name: "a", location: undefined }]);
  assert.deepEqual(readGraph("[]"), []);
});

test("a node that the dashboard left out is reported, although another node has its name as a target", () => {
  assert.throws(
    () => checkGraph(readGraph(GRAPH), csarOf("bologna", "lost", "create")),
    (error: unknown) =>
      error instanceof Failure && !error.retryable && /lacks lost, create, which main\.yaml has/.test(error.message),
  );
});

test("anything but a list of nodes is refused, and its beginning is quoted", () => {
  const texts = ["", "<html>Whoops</html>", '{"node": {"name": "a"}}', "null", "[1]", "[null]", '[{"node": {}}]'];
  for (const text of [...texts, '[{"node": {"name": 7}}]', "[[]]"]) {
    assert.throws(
      () => readGraph(text),
      (error: unknown) => error instanceof Failure && error.message.endsWith(`not a list of nodes: ${text}`),
      text,
    );
  }
  assert.throws(
    () => readGraph("x".repeat(80_000)),
    (error: unknown) => error instanceof Failure && error.message.length < 400,
  );
});

test("whatever the dashboard sends, it is a graph or a failure", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        for (const { name, category } of readGraph(text)) assert.equal(typeof name + typeof category, "stringstring");
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
      }
    }),
  );
});
