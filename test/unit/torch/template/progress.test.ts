import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessInstance } from "../../../../src/torch/clients/instances.ts";
import type { DeadJob } from "../../../../src/torch/clients/jobs.ts";
import { judge, readNodeStates } from "../../../../src/torch/template/progress.ts";

const TIME = "2026-11-25T10:00:00.000Z";

/** An instance: one named after a node, else one of those between. */
function instance(id: string, overrides: Partial<ProcessInstance> = {}): ProcessInstance {
  return {
    id,
    name: null,
    superProcessInstanceId: id === "top" ? null : "top",
    endTime: null,
    deleteReason: null,
    variables: [],
    ...overrides,
  };
}

/** A node's process with its state, as TORCH keeps it. */
function node(name: string, attributes: object | undefined, overrides: Partial<ProcessInstance> = {}): ProcessInstance {
  const variables = attributes === undefined ? [] : [{ name: "nodeInfo", value: { nodeAttributes: attributes } }];
  return instance(`${name}-id`, { name, variables, ...overrides });
}

function judgeNodes(names: readonly string[], instances: readonly ProcessInstance[], dead: readonly DeadJob[] = []) {
  return judge("simple", readNodeStates(names, instances), instances, dead);
}

const TOP = instance("top");
const RUNNING = node("server", { status: "CREATING" });
const STARTED = node("bologna", { status: "STARTED" });

test("a deployment has failed, runs, or has every node started", () => {
  const both = ["bologna", "server"];
  const deadJob = { processInstanceId: "great-grandchild", message: "IO exception occurred", cause: undefined };
  const cases: readonly (readonly [
    string,
    readonly string[],
    readonly ProcessInstance[],
    readonly DeadJob[],
    RegExp | boolean,
  ])[] = [
    ["no instance yet", both, [], [], false],
    ["running", both, [TOP, STARTED, RUNNING], [], false],
    ["one is not begun", both, [TOP, STARTED], [], false],
    ["every node is started", both, [TOP, STARTED, node("server", { status: "started" })], [], true],
    [
      "every node is started and the top has ended",
      ["bologna"],
      [instance("top", { endTime: TIME }), node("bologna", { status: "STARTED" }, { endTime: TIME })],
      [],
      true,
    ],
    [
      "a node in ERROR",
      both,
      [TOP, STARTED, node("server", { status: "ERROR", status_reason: "ERROR checkCluster()" })],
      [],
      /node server of simple is in ERROR: ERROR checkCluster\(\)$/,
    ],
    [
      "a node in ERROR after which all has ended",
      both,
      [
        instance("top", { endTime: TIME, deleteReason: "ERROR_EVENT X" }),
        node("server", { status: "ERROR" }, { endTime: TIME }),
      ],
      [],
      /node server of simple is in ERROR: no reason is given/,
    ],
    [
      "ended with an error and no status",
      both,
      [TOP, node("bologna", undefined, { endTime: TIME, deleteReason: "ERROR_EVENT DUCreateError" })],
      [],
      /node bologna of simple ended \(ERROR_EVENT DUCreateError\) and left it waiting/,
    ],
    [
      "ended as modelled, and not started",
      both,
      [TOP, STARTED, node("server", { status: "CREATING" }, { endTime: TIME })],
      [],
      /node server of simple ended \(as its plan says\) and left it CREATING/,
    ],
    ["the top ended", both, [instance("top", { endTime: TIME }), STARTED], [], /without server \(waiting\)/],
    [
      "the top was deleted",
      both,
      [instance("top", { endTime: TIME, deleteReason: "cancelled" })],
      [],
      /ended \(cancelled\) without bologna \(waiting\), server \(waiting\)/,
    ],
    [
      "a dead job",
      both,
      [TOP, RUNNING, instance("great-grandchild")],
      [deadJob],
      /stopped in the engine: IO exception occurred$/,
    ],
    [
      "a dead job with its cause",
      both,
      [TOP, RUNNING, instance("great-grandchild")],
      [{ ...deadJob, cause: "java.net.ConnectException: Connection refused" }],
      /IO exception occurred \(java\.net\.ConnectException: Connection refused\)$/,
    ],
    [
      "a dead job whose cause is its message",
      both,
      [TOP, RUNNING],
      [{ ...deadJob, cause: "IO exception occurred" }],
      /engine: IO exception occurred$/,
    ],
  ];
  for (const [what, names, instances, dead, expected] of cases) {
    const verdict = judgeNodes(names, instances, dead);
    if (typeof expected === "boolean") assert.deepEqual(verdict, { started: expected }, what);
    else assert.match("failed" in verdict ? verdict.failed : `${what}: ${JSON.stringify(verdict)}`, expected, what);
  }
});

test("a node is the last instance of its name that the launched instance called", () => {
  const deeper = node("bologna", { status: "ERROR" }, { superProcessInstanceId: "child" });
  assert.deepEqual(judgeNodes(["bologna"], [TOP, deeper, STARTED, deeper]), { started: true });
  const first = node("bologna", { status: "CREATING" }, { endTime: TIME });
  assert.deepEqual(judgeNodes(["bologna"], [TOP, first, node("bologna", { status: "CREATING" })]), { started: false });
  assert.deepEqual(judgeNodes(["bologna"], [TOP, first, STARTED]), { started: true });
});

test("a dead job does not fail a deployment of which every node is started", () => {
  const dead = [{ processInstanceId: "top", message: "x", cause: undefined }];
  assert.deepEqual(judgeNodes(["bologna"], [TOP, STARTED], dead), { started: true });
});

test("a node's state is in the variable of the process that is named after it", () => {
  const called = { id: "child", superProcessInstanceId: "top" };
  const variable = (value: unknown) => [{ name: "nodeInfo", value }];
  const states = readNodeStates(
    ["a", "b", "c", "d", "e", "f", "g"],
    [
      TOP,
      { ...called, name: "a", variables: variable({ nodeAttributes: { status: "started" } }) },
      { ...called, name: "b", variables: variable('{"nodeAttributes":{"status":"ERROR","status_reason":"bad key"}}') },
      { ...called, name: "c", variables: variable("not JSON") },
      { ...called, name: null, variables: [] },
      { ...called, name: "e", variables: variable({ nodeAttributes: '{"status":"CREATING"}' }) },
      { ...called, name: "f", variables: variable(null) },
      { ...called, name: "g", variables: variable({ nodeAttributes: { status: "", status_reason: 7 } }) },
    ],
  );
  assert.deepEqual(
    states.map(({ node: name, status, reason }) => `${name} ${status} ${reason}`),
    [
      "a STARTED no reason is given",
      "b ERROR bad key",
      "c waiting no reason is given",
      "d waiting no reason is given",
      "e CREATING no reason is given",
      "f waiting no reason is given",
      "g waiting no reason is given",
    ],
  );
});
