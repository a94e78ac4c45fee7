import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Failure } from "../../../../src/errors.ts";
import { openEngine } from "../../../../src/torch/clients/engine.ts";
import type { ProcessInstance } from "../../../../src/torch/clients/instances.ts";
import { errorOf, only, type Received, refusingAddress, serve } from "../../builders.ts";
import { writeJavaString } from "./java-string.ts";

const SERVICE = "/flowable-rest/service";
const SIGNAL = AbortSignal.timeout(60_000);

type FakeInstance = Omit<ProcessInstance, "variables"> & {
  readonly variables: readonly { readonly name: string; readonly value: unknown; readonly valueUrl?: string }[];
};

interface FakeState {
  readonly instances: readonly FakeInstance[];
  readonly jobs?: readonly {
    readonly id: string;
    readonly processInstanceId: string;
    readonly exceptionMessage: string | null;
  }[];
  readonly traces?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, Buffer>>;
}

const listOf = (data: readonly unknown[]) => JSON.stringify({ data, total: data.length });

/** A fake of Flowable's REST API: what it lists is filtered by the query, and variables are there when asked for. */
function fake({ instances, jobs = [], traces = {}, data = {} }: FakeState) {
  return ({ path, headers }: Received): { readonly status: number; readonly body: string | Buffer } => {
    if (headers.authorization !== `Basic ${Buffer.from("rest-admin:test").toString("base64")}`) {
      return { status: 401, body: "" };
    }
    const { pathname, searchParams: query } = new URL(path, "http://engine");
    const bytes = data[pathname];
    if (bytes !== undefined) return { status: 200, body: bytes };
    const trace = /deadletter-jobs\/([^/]+)\/exception-stacktrace$/.exec(pathname)?.[1];
    if (trace !== undefined) return { status: traces[trace] === undefined ? 404 : 200, body: traces[trace] ?? "" };
    if (pathname === `${SERVICE}/management/deadletter-jobs`) return { status: 200, body: listOf(jobs) };
    if (pathname !== `${SERVICE}/history/historic-process-instances`) return { status: 404, body: "" };
    const [id, parent] = [query.get("processInstanceId"), query.get("superProcessInstanceId")];
    const found = instances
      .filter((each) => id === null || each.id === id)
      .filter((each) => parent === null || each.superProcessInstanceId === parent)
      .filter((each) => query.get("excludeSubprocesses") !== "true" || each.superProcessInstanceId === null);
    const bare = query.get("includeProcessVariables") !== "true";
    return { status: 200, body: listOf(found.map((each) => (bare ? { ...each, variables: [] } : each))) };
  };
}

const child = (id: string, superProcessInstanceId: string | null, variables: FakeInstance["variables"] = []) => ({
  id,
  name: id,
  superProcessInstanceId,
  endTime: null,
  deleteReason: null,
  variables,
});

async function openFake(context: TestContext, state: FakeState) {
  const answer = fake(state);
  const base = await serve(context, (request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status).end(body);
  });
  return openEngine(base, SIGNAL);
}

test("an instance is listed with all below it, at any depth, and no others", async (context) => {
  const engine = await openFake(context, {
    instances: [
      child("top", null),
      child("a", "top"),
      child("b", "top"),
      child("a1", "a"),
      child("a2", "a1"),
      child("a3", "a2"),
      child("other", null),
      child("other1", "other"),
    ],
  });
  const tops = await engine.listTopInstances();
  assert.deepEqual(
    tops.map(({ id }) => id),
    ["top", "other"],
  );
  const [top] = tops;
  assert.ok(top !== undefined);
  const found = await engine.listInstancesBelow(top);
  assert.deepEqual(
    found.map(({ id }) => id),
    ["top", "a", "b", "a1", "a2", "a3"],
  );
});

test("a variable is read as text, as an object, and from its bytes if it has only a URL", async (context) => {
  const info = JSON.stringify({ nodeAttributes: { status: "STARTED" }, long: "x".repeat(100_000) });
  const path = `${SERVICE}/history/historic-process-instances/top/variables`;
  const engine = await openFake(context, {
    instances: [
      child("top", null, [
        { name: "text", value: "short" },
        { name: "object", value: { a: 1 } },
        { name: "zero", value: 0, valueUrl: `http://engine:8080${path}/never` },
        // The address is the engine's own, as a container calls it.
        { name: "nodeInfo", value: null, valueUrl: `http://localhost:8080${path}/nodeInfo/data` },
        { name: "map", value: null, valueUrl: `http://localhost:8080${path}/map/data` },
        { name: "gone", value: null, valueUrl: `http://localhost:8080${path}/gone/data` },
        { name: "empty", value: null },
      ]),
    ],
    data: {
      [`${path}/nodeInfo/data`]: writeJavaString(info, true),
      [`${path}/map/data`]: Buffer.from("aced0005737200116a617661", "hex"),
    },
  });
  const [top] = await engine.listTopInstances();
  assert.ok(top !== undefined);
  const { variables } = only(await engine.listInstancesBelow(top));
  assert.deepEqual(Object.fromEntries(variables.map(({ name, value }) => [name, value])), {
    text: "short",
    object: { a: 1 },
    zero: 0,
    nodeInfo: info,
    map: null,
    gone: null,
    empty: null,
  });
});

test("dead jobs of these instances are listed with the cause from their stack trace", async (context) => {
  const engine = await openFake(context, {
    instances: [],
    jobs: [
      { id: "1", processInstanceId: "a3", exceptionMessage: "IO exception occurred" },
      { id: "2", processInstanceId: "a3", exceptionMessage: null },
      { id: "3", processInstanceId: "other", exceptionMessage: "not ours" },
    ],
    traces: {
      "1": "FlowableException: IO exception occurred\nCaused by: java.net.ConnectException: refused\n",
      "3": "z",
    },
  });
  assert.deepEqual(await engine.listDeadJobs([{ ...child("a3", "a2"), variables: [] }]), [
    { processInstanceId: "a3", message: "IO exception occurred", cause: "java.net.ConnectException: refused" },
    { processInstanceId: "a3", message: "a job failed without a message", cause: undefined },
  ]);
  assert.deepEqual(await engine.listDeadJobs([]), []);
  const traces = await engine.readStackTraces();
  assert.equal(traces.length, 3);
  assert.match(traces[0] ?? "", /ConnectException/);
});

test("plans are deployed once, under a name made from their content", async (context) => {
  const names: string[] = [];
  const base = await serve(context, ({ method, path, body, headers }, response) => {
    const { pathname, searchParams: query } = new URL(path, "http://engine");
    if (method === "POST") {
      assert.match(headers["content-type"] ?? "", /^multipart\/form-data/);
      assert.match(body, /name="archive"; filename="plans\.zip"/);
      names.push(query.get("deploymentName") ?? "");
      response.writeHead(201).end('{"id": "d1"}');
    } else if (pathname.endsWith("/process-definitions")) {
      assert.equal(query.get("deploymentId"), "d1");
      response.end(listOf([{ key: "torch-deploy" }, { key: "torch-node" }]));
    } else response.end(listOf(names.includes(query.get("name") ?? "") ? [{ id: "d1" }] : []));
  });
  const engine = openEngine(base, SIGNAL);
  const processes = ["torch-deploy", "torch-node"];
  assert.deepEqual(await engine.deployPlans("/x/plans.zip", Buffer.from("a")), { deployed: true, processes });
  assert.deepEqual(await engine.deployPlans("/x/plans.zip", Buffer.from("a")), { deployed: false, processes });
  assert.deepEqual(await engine.deployPlans("/x/plans.zip", Buffer.from("b")), { deployed: true, processes });
  assert.equal(new Set(names).size, 2);
  assert.match(names[0] ?? "", /^plans\.zip sha256:[0-9a-f]{64}$/);
});

test("a refusal of the plans is quoted from Flowable's JSON or page", async (context) => {
  let body = "";
  const base = await serve(context, ({ method }, response) => {
    if (method === "POST") response.writeHead(500).end(body);
    else response.end(listOf([]));
  });
  const engine = openEngine(base, SIGNAL);
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      '{"message":"Internal server error","exception":"Error parsing XML"}',
      /500: Internal server error: Error parsing XML$/,
    ],
    ['{"message":"Bad request"}', /status 500: Bad request$/],
    ["<html><h1>Whoops</h1>\n<p>no memory</p></html>", /status 500: Whoops no memory$/],
    ["null", /status 500: null$/],
  ];
  for (const [said, expected] of cases) {
    body = said;
    const error = await errorOf(engine.deployPlans("/x/plans.zip", Buffer.from("a")));
    assert.ok(error instanceof Failure && !error.retryable, said);
    assert.match(error.message, expected);
    assert.match(error.message, /refuses the BPMN plans \/x\/plans\.zip/);
  }
});

test("an engine that is not ready has a reason: the answer's status, or that nothing listens", async (context) => {
  let status = 404;
  const base = await serve(context, (_, response) => void response.writeHead(status).end());
  const engine = openEngine(base, SIGNAL);
  assert.match((await engine.notReadyReason()) ?? "", /repository\/deployments: status 404$/);
  status = 200;
  assert.equal(await engine.notReadyReason(), undefined);
  assert.match(
    (await openEngine(await refusingAddress(), SIGNAL).notReadyReason()) ?? "",
    /does not answer.*ECONNREFUSED/,
  );
});

test("main does not follow the engine's redirects to another address", async (context) => {
  let asked = 0;
  const other = await serve(context, (_, response) => {
    asked += 1;
    response.writeHead(200).end(JSON.stringify({ data: [], secret: "metadata" }));
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const address = await serve(context, (_, response) => {
      response.writeHead(status, { location: `${other}/latest/meta-data` }).end("gone");
    });
    const engine = openEngine(address, SIGNAL);
    const error = await errorOf(engine.readHistory());
    assert.ok(error instanceof Failure);
    assert.match(error.message, new RegExp(`status ${status}, a redirect to ${other}/latest/meta-data, which is not`));
    assert.match((await engine.notReadyReason()) ?? "", /a redirect to/);
    await errorOf(engine.deployPlans("/x/plans.zip", Buffer.from("zip")));
  }
  assert.equal(asked, 0);
});

test("an answer that is not a list of Flowable's is an error with a fix", async (context) => {
  for (const body of ["", "<html>", "{}", '{"data": {}}', '{"data": [{"name": "without an id"}]}']) {
    const address = await serve(context, (_, response) => void response.end(body));
    const error = await errorOf(openEngine(address, SIGNAL).deployPlans("/x/plans.zip", Buffer.from("zip")));
    assert.ok(error instanceof Failure && error.fix !== undefined, body);
    assert.match(
      error.message,
      /^The Flowable engine's answer to \/repository\/deployments\?name=\S+ is not a list/,
      body,
    );
  }
});

test("fields without a name here are kept in the history", async (context) => {
  const engine = await openFake(context, { instances: [{ ...child("top", null), ...{ startUserId: "rest-admin" } }] });
  assert.deepEqual(only(await engine.readHistory()), { ...child("top", null), startUserId: "rest-admin" });
});
