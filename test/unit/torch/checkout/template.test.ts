import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readTemplate } from "../../../../src/torch/checkout/template.ts";
import { makeFolder } from "../../builders.ts";

const EXAMPLE = join(
  import.meta.dirname,
  "../../../fixtures/torch_v2/examples/two-clusters/two-clusters/two-clusters.yaml",
);

/** Reads the example with two clusters, changed, for a boot of these clusters, the step's own first. */
async function read(context: TestContext, clusters: readonly string[], edit = (yaml: string) => yaml) {
  const workspace = await makeFolder(context);
  await writeFile(join(workspace, "two-clusters.yaml"), edit(await readFile(EXAMPLE, "utf8")));
  const access = clusters.map((name) => {
    const files = { ca: `${name}-ca.crt`, certificate: `${name}.crt`, privateKey: `${name}.key` };
    return [name, { ...files, endpoint: `https://${name}-control-plane:6443`, folder: "/creds" }] as const;
  });
  const template = await readTemplate("two-clusters.yaml", workspace, { workspace, access: new Map(access) });
  if ("problem" in template) return `${template.problem.reason}. Fix: ${template.problem.fix}`;
  const { placed, warnings } = template;
  return { placed: placed.map(({ node, cluster }) => `${node} is ${cluster}`), warnings };
}

test("each Cluster node is the cluster of its name", async (context) => {
  const both = { placed: ["bologna is bologna", "catania is catania"], warnings: [] };
  assert.deepEqual(await read(context, ["catania", "bologna"]), both);
});

test("a Cluster node of no cluster's name stays as it is, and a cluster without a node is left out, with warnings", async (context) => {
  const of = async (clusters: readonly string[]) => {
    const found = await read(context, clusters);
    assert.ok(typeof found === "object", JSON.stringify(found));
    return [found.placed, found.warnings.join("\n")] as const;
  };
  const [one, left] = await of(["bologna"]);
  assert.deepEqual(one, ["bologna is bologna"]);
  assert.match(
    left,
    /^torch-csar: the Cluster node catania of two-clusters\.yaml stays as it is.*\. Fix: .*torch-clusters/,
  );
  const [three, unused] = await of(["bologna", "catania", "palermo"]);
  assert.deepEqual(three, ["bologna is bologna", "catania is catania"]);
  assert.match(unused, /^torch-csar: two-clusters\.yaml does not have a Cluster node for the cluster palermo\. Fix: /);
});

test("a template that names none of the clusters is refused, and so is a node with neither a cluster nor an endpoint", async (context) => {
  assert.match(
    String(await read(context, ["palermo", "messina"])),
    /^has no Cluster node in two-clusters\.yaml with the name of one of the clusters palermo, messina: its Cluster nodes are bologna, catania\. Fix: set cluster-name/,
  );
  assert.match(
    String(await read(context, ["palermo"])),
    /has several Cluster nodes .* Fix: set cluster-name to the one/,
  );
  const without = (yaml: string) => yaml.replace(/^ +api-endpoint: https:\/\/203\.0\.113\.8:6443\n/m, "");
  assert.match(
    String(await read(context, ["bologna"], without)),
    /^has Cluster nodes in two-clusters\.yaml without an api-endpoint, and none of the boot's clusters has their name: catania\. Fix: make those clusters in earlier steps/,
  );
  assert.equal(typeof (await read(context, ["bologna", "catania"], without)), "object");
  // A type of its own may have an endpoint as its default.
  const derived = (yaml: string) =>
    without(yaml)
      .replace(/( {4}catania:\n {6}type: )torch\.nodes\.Location\.Cluster/, "$1example.nodes.Known")
      .replace(
        "node_types:\n",
        "node_types:\n  example.nodes.Known:\n    derived_from: torch.nodes.Location.Cluster\n",
      );
  assert.equal(typeof (await read(context, ["bologna"], derived)), "object");
});
