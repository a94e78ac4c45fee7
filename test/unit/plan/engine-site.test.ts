import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineSite } from "../../../src/docker/site.ts";
import { checkEngineName } from "../../../src/plan/engine-site.ts";
import { only } from "../builders.ts";
import { planOf, problemsOf } from "./planning.ts";

const REMOTE: EngineSite = { kind: "remote", host: "docker.example" };
const SIDECAR: EngineSite = { kind: "remote", host: "127.0.0.1" };
const JOB: EngineSite = { kind: "container", name: "job", networkOf: "1", networks: [], mounts: [] };

test("with an engine on another machine the API server is published on every address there, under that machine's name", () => {
  const { shape, owner } = planOf({ survey: { site: REMOTE }, inputs: { extraSans: ["api.example"] } });
  assert.equal(shape.apiServerAddress, "0.0.0.0");
  assert.deepEqual(shape.extraSans, ["api.example", "docker.example"]);
  assert.equal(owner.source, "/dev/null");
  const explicit = planOf({ survey: { site: REMOTE }, inputs: { apiServerAddress: "10.0.0.7" } }).shape;
  assert.equal(explicit.apiServerAddress, "10.0.0.7");
  const configured = planOf({ survey: { site: REMOTE }, config: "networking: {apiServerAddress: 10.0.0.8}\n" }).shape;
  assert.equal(configured.apiServerAddress, "10.0.0.8");
  // Whether the cluster has IPv6 inside says nothing about the way to that machine.
  assert.equal(
    planOf({ survey: { site: REMOTE }, config: "networking: {ipFamily: ipv6}\n" }).shape.apiServerAddress,
    "0.0.0.0",
  );
  assert.equal(planOf({ survey: { site: { kind: "remote", host: "2001:db8::7" } } }).shape.apiServerAddress, "::");
});

test("a name of the engine's machine that no certificate of kubeadm can have is refused before kubeadm does", () => {
  const problem = only(problemsOf({ survey: { site: { kind: "remote", host: "docker_daemon" } } }));
  assert.deepEqual([problem.input, problem.value], ["runs-on", "docker_daemon"]);
  assert.match(`${problem.reason} ${problem.fix}`, /certificate.*without an underscore/);
});

test("an engine that this step shares its network with publishes the API server on 127.0.0.1", () => {
  for (const site of [SIDECAR, JOB]) {
    const { shape } = planOf({ survey: { site } });
    assert.deepEqual([shape.apiServerAddress, shape.extraSans], ["127.0.0.1", []]);
  }
});

test("what an engine on another machine cannot do is refused with the reason, all at once", () => {
  const torch = {
    source: { kind: "folder", path: "/ws/torch_v2" },
    ref: undefined,
    example: "e",
    endpoint: "internal",
    waitSeconds: 60,
    csar: undefined,
    connectors: undefined,
    credentialsMount: "/c",
    clusters: [],
    packageCache: undefined,
    layout: {
      folders: { dashboard: undefined, engine: undefined, services: undefined },
      exampleFolder: undefined,
      plans: undefined,
    },
  } as const;
  const inputs = { torch, apiServerAddress: "127.0.0.1", dns: { kind: "docker-host" } } as const;
  const problems = problemsOf({ survey: { site: REMOTE }, inputs });
  assert.deepEqual(problems.map(({ input }) => input).toSorted(), ["api-server-address", "dns", "torch"]);
  assert.match(problems.find(({ input }) => input === "torch")?.reason ?? "", /docker\.example.*mount the credentials/);
  assert.equal(only(problemsOf({ survey: { site: SIDECAR }, inputs })).input, "torch");
});

test("a name of the engine's machine that is known to Docker's client alone is refused before anything is made", async () => {
  const problem = only(await checkEngineName({ kind: "remote", host: "an-alias-of-ssh.invalid" }));
  assert.match(problem.reason, /cannot look it up/);
  assert.deepEqual(await checkEngineName(SIDECAR), []);
  assert.deepEqual(await checkEngineName(JOB), []);
});
