import assert from "node:assert/strict";
import { test } from "node:test";
import { createExec } from "../../../src/exec.ts";
import { reportLoadBalancers } from "../../../src/load-balancer/teardown.ts";

const CONTAINER = { name: "none-cloud-provider", image: "provider:1", marks: [] };
const LOAD_BALANCER = { label: "kind-torch.load-balancer=none-0a1b", container: CONTAINER };

test("post says nothing of a provider that main has not seen serve: main has said why, or was ended before", async () => {
  const warning = (text: string) => assert.fail(text);
  const tools = { exec: createExec("tests"), log: { warning } };
  await reportLoadBalancers({ loadBalancer: undefined }, tools);
  await reportLoadBalancers({ loadBalancer: LOAD_BALANCER }, tools);
});
