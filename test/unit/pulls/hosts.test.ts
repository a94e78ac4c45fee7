import assert from "node:assert/strict";
import { test } from "node:test";
import { renderHosts } from "../../../src/pulls/hosts.ts";
import { type PullPlan, planRegistry } from "../../../src/pulls/plan.ts";

const REGISTRY = planRegistry("bologna", { runId: "0a1b", image: "registry:3.0.0", port: 5001 });
const NOTHING: PullPlan = { registry: undefined, mirrors: [], credentials: undefined };

test("without registry and mirrors there is no file", () => {
  assert.deepEqual(renderHosts(NOTHING), []);
});

test("the registry has two names, and no other server stands behind them", () => {
  const url = '"http://bologna-registry:5000"';
  const text = `server = ${url}\n\n[host.${url}]\n  capabilities = ["pull", "resolve"]\n`;
  assert.deepEqual(renderHosts({ ...NOTHING, registry: REGISTRY }), [
    { registry: "localhost:5001", text },
    { registry: "bologna-registry:5000", text },
  ]);
});

test("the mirrors of a registry are tried in their order, each once", () => {
  const mirrors = ["https://a.example", "https://b.example/v2/hub", "https://a.example"].map((url) => ({
    registry: "docker.io",
    url,
  }));
  const [file, ...others] = renderHosts({ ...NOTHING, mirrors });
  assert.deepEqual(others, []);
  assert.equal(file?.registry, "docker.io");
  assert.equal(
    file.text,
    [
      '[host."https://a.example"]\n  capabilities = ["pull", "resolve"]\n',
      '[host."https://b.example/v2/hub"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n',
    ].join("\n"),
  );
});
