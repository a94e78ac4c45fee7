import assert from "node:assert/strict";
import { test } from "node:test";
import { joinKubeconfigs } from "../../../src/report/outputs.ts";

test("KUBECONFIG names this cluster first, then earlier ones of this Action, and nothing else", () => {
  const own = "/t/kind-torch-b-1/kubeconfig";
  const earlier = "/t/kind-torch-a-1/kubeconfig";
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, own],
    ["", own],
    [":", own],
    ["/home/me/.kube/config", own],
    [earlier, `${own}:${earlier}`],
    [`/home/me/.kube/config:${earlier}:${earlier}`, `${own}:${earlier}`],
    [own, own],
    [`${earlier}:${own}`, `${own}:${earlier}`],
    ["/t/kind-torch-a/b/kubeconfig:/t/kind-torch-a-1/kubeconfig2", own],
  ];
  for (const [before, expected] of cases) assert.equal(joinKubeconfigs(own, before), expected, before);
});
