import assert from "node:assert/strict";
import { test } from "node:test";
import { createKubectl } from "../../../src/cluster/kubectl.ts";
import { createExec } from "../../../src/exec.ts";
import { makeFolder } from "../builders.ts";

test("kubectl runs without a proxy and with the rest of the environment", async (context) => {
  const folder = await makeFolder(context);
  const before = process.env.HTTPS_PROXY;
  context.after(() => {
    if (before === undefined) delete process.env.HTTPS_PROXY;
    else process.env.HTTPS_PROXY = before;
  });
  process.env.HTTPS_PROXY = "http://127.0.0.1:9";
  const kubectl = createKubectl({
    kubectl: "/usr/bin/env",
    kubeconfig: "k",
    runDirectory: folder,
    exec: (command) => createExec(folder)({ ...command, args: [] }),
  });
  const { stdout } = await kubectl([], { purpose: "looking at the environment" });
  assert.match(stdout, /^NO_PROXY=\*$/m);
  assert.match(stdout, /^no_proxy=\*$/m);
});
