import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import type { TakenPort } from "../../../src/host/ports.ts";
import type { Inputs } from "../../../src/inputs/inputs.ts";
import { checkPlaces } from "../../../src/plan/in-use.ts";
import { describeTakenPorts } from "../../../src/plan/ports.ts";
import { configure, createInputs, createSurvey, only } from "../builders.ts";
import { container, decide, planOf, problemsOf } from "./planning.ts";

/** A port of this machine on which something listens. */
async function takePort(context: TestContext): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

const mapped = (...ports: readonly string[]) =>
  `nodes:\n${ports.map((port) => `- role: control-plane\n  extraPortMappings: [{containerPort: 80, ${port}}]\n`).join("")}`;

test("a port that two fields request is refused, with both fields", () => {
  const clashing: readonly (readonly [string, string])[] = [
    [mapped("hostPort: 8080", "hostPort: 8080"), "nodes.1.extraPortMappings.0.hostPort"],
    [mapped("hostPort: 8080", "hostPort: 8080, protocol: tcp"), "nodes.1.extraPortMappings.0.hostPort"],
    [mapped("hostPort: 8080", "hostPort: 8080, listenAddress: 127.0.0.1"), "nodes.1.extraPortMappings.0.hostPort"],
    [
      mapped("hostPort: 8080, listenAddress: '::'", "hostPort: 8080, listenAddress: '0:0::1'"),
      "nodes.1.extraPortMappings.0.hostPort",
    ],
    [mapped("hostPort: 8080, protocol: udp", "hostPort: 8080, protocol: UDP"), "nodes.1.extraPortMappings.0.hostPort"],
    [`networking: {apiServerPort: 8080}\n${mapped("hostPort: 8080")}`, "networking.apiServerPort"],
  ];
  for (const [config, other] of clashing) {
    const problem = only(problemsOf({ config }));
    assert.equal(problem.input, "kind-config");
    assert.match(problem.reason, /line \d+, column \d+: nodes\.0\.extraPortMappings\.0\.hostPort \(/);
    assert.ok(problem.reason.includes(`: ${other} (`), problem.reason);
  }
  for (const config of [
    mapped("hostPort: 8080", "hostPort: 8081"),
    mapped("hostPort: 8080", "hostPort: 8080, protocol: UDP"),
    mapped("hostPort: 8080, listenAddress: 127.0.0.1", "hostPort: 8080, listenAddress: 127.0.0.2"),
    mapped("hostPort: 8080", "hostPort: 8080, listenAddress: '::1'"),
    mapped("hostPort: 0", "hostPort: 0"),
  ]) {
    planOf({ config });
  }
});

test("a port in use is a problem, unless the cluster that is to be replaced may be what uses it", async (context) => {
  const { places } = decide({ config: mapped(`hostPort: ${await takePort(context)}`) });
  const check = (existing: Inputs["existing"], name: string, rejected: readonly string[] = []) =>
    checkPlaces(
      places,
      createInputs({ existing }),
      createSurvey({ containers: [{ ...container("bologna"), name }] }),
      new Set(rejected),
    );
  const node = "bologna-control-plane";
  assert.deepEqual(await check("replace", node), []);
  // The default in the place of a rejected value is not the user's.
  assert.deepEqual(await check("fail", node, ["existing"]), []);
  assert.match(only(await check("fail", node)).reason, /already in use/);
  // What has the cluster's label and is not a node is not removed.
  assert.match(only(await check("replace", "web")).reason, /already in use/);
});

test("a port in use that two nodes request is one problem", async (context) => {
  const port = await takePort(context);
  const check = async (config: string) => {
    const facts = { survey: createSurvey(), inputs: createInputs() };
    const { places, ...planned } = decide({ config });
    const taken = await checkPlaces(places, facts.inputs, facts.survey, new Set());
    return [...("problems" in planned ? planned.problems : []), ...taken].map(({ reason }) => reason);
  };
  assert.match(only(await check(mapped(`hostPort: ${port}`, `hostPort: ${port}`))), /twice/);
  assert.match(only(await check(mapped(`hostPort: ${port}`))), /already in use/);
});

test("without IPv6 on the machine, only an address that was written is a problem of its own", () => {
  const taken = (fields: Partial<TakenPort>): TakenPort => ({
    address: "::",
    port: 8080,
    protocol: "tcp",
    source: "nodes.0.extraPortMappings.0.hostPort",
    trouble: "no such address",
    addressWritten: false,
    ...fields,
  });
  const ipv6 = `networking: {ipFamily: ipv6}\n${mapped("hostPort: 1, listenAddress: '::1'", "hostPort: 2")}`;
  const describe = (refused: boolean, ...ports: readonly Partial<TakenPort>[]) =>
    describeTakenPorts(ports.map(taken), configure(ipv6), { familyRefused: refused });
  assert.deepEqual(describe(true, {}, { port: 8081 }), []);
  const missing = only(describe(false, {}, { port: 8081 }));
  assert.match(`${missing.value} ${missing.reason}`, /networking\.ipFamily.*does not have IPv6/);
  for (const refused of [true, false]) {
    const written = only(describe(refused, { address: "203.0.113.7", addressWritten: true }));
    assert.match(
      written.reason,
      /^line 6, column \d+: nodes\.0\.extraPortMappings\.0\.listenAddress is not an address of this machine: /,
    );
    const inUse = only(describe(refused, { trouble: "in use" }));
    assert.match(inUse.reason, /^line 6, column \d+: nodes\.0\S+hostPort is already in use on this machine/);
    assert.equal(inUse.value, "inline");
  }
  assert.deepEqual(
    decide({ config: ipv6 }).places.ports.map(({ addressWritten }) => addressWritten),
    [true, false],
  );
});
