import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kubectl } from "../../../src/cluster/kubectl.ts";
import { waitUntilReady } from "../../../src/cluster/ready.ts";
import { Failure } from "../../../src/errors.ts";
import { CommandError } from "../../../src/exec.ts";
import { nodesOf } from "../builders.ts";

const failed = () => new CommandError("timed out waiting", { exitCode: 1, stdout: "", stderr: "timed out waiting" });

/** A fake of kubectl whose waits end in vain, and whose only pod is in this state. */
const kubectlWith =
  (status: object): Kubectl =>
  async ([command, what]) => {
    if (command === "wait") throw failed();
    const items = [{ kind: "Pod", metadata: { name: "coredns-1", namespace: "kube-system" }, status }];
    return { stdout: what === "serviceaccount" ? "default" : JSON.stringify({ items }), stderr: "" };
  };

test("a cluster that is not ready is named with the seconds that were waited, and made again only where that may help", async () => {
  const waiting = (reason: string) => ({
    phase: "Pending",
    containerStatuses: [{ name: "coredns", state: { waiting: { reason, message: "words" } } }],
  });
  const unschedulable = {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available: 1 did not match" }],
  };
  for (const [status, retryable] of [
    [waiting("ErrImagePull"), false],
    [waiting("ImagePullBackOff"), false],
    [unschedulable, false],
    [waiting("ContainerCreating"), true],
  ] as const) {
    const request = { nodes: nodesOf(["c-control-plane", "control-plane"]), waitSeconds: 15, bringsNetwork: false };
    await assert.rejects(
      waitUntilReady(kubectlWith(status), { ...request, readiness: "full" }),
      (error) =>
        error instanceof Failure &&
        error.retryable === retryable &&
        /not ready after 15 s\. Pod coredns-1 is not running/.test(error.message),
      JSON.stringify(status),
    );
  }
});
