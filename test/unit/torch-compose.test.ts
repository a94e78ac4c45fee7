import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPONENTS } from "../../src/torch/components.ts";
import {
  type Changes,
  type ComposeModel,
  checkBuilds,
  findService,
  listPublishedPorts,
  planCompose,
  redirectUrl,
  yieldProcessor,
} from "../../src/torch/compose.ts";

/** As `docker compose config --format json` printed a file with a helper, a shared network and every kind of mount. */
const DASHBOARD: ComposeModel = {
  name: "docker",
  services: {
    db: { image: "mysql", ports: [{ mode: "ingress", target: 3306, published: "3306" }], networks: { default: null } },
    "torch-dashboard": {
      image: "edrudi97/torch-dashboard:v0.1.0",
      build: { context: "/src/dashboard" },
      container_name: "torch-dashboard",
      depends_on: { db: { condition: "service_started" } },
      environment: { BPMN_ENGINE: "http://192.168.1.5:8080/", APP_URL: "http://localhost:8005" },
      network_mode: "host",
      networks: { torch: null },
      ports: [
        { mode: "ingress", target: 8005, published: "8005", protocol: "tcp" },
        { mode: "ingress", host_ip: "0.0.0.0", target: 5173, published: "5173", protocol: "tcp" },
      ],
      volumes: [
        { type: "bind", source: "/src/keys/ca.crt", target: "/creds/ca.crt" },
        { type: "volume", source: "db", target: "/var/lib" },
      ],
    },
  },
  networks: { default: { name: "docker_default" }, torch: { name: "torch", external: true } },
  volumes: { db: { name: "docker_db", driver: "local" }, shared: { name: "shared", external: true } },
};

const CHANGES: Changes = {
  project: "bologna-dashboard-1",
  container: "bologna-dashboard",
  image: "kind-torch/bologna-dashboard:1",
  labels: { "kind-torch.run": "bologna-1" },
  network: "bologna-torch-1",
  joinsKind: true,
  environment: { BPMN_ENGINE: "http://bologna-engine:8080" },
  files: [{ source: "/run/creds/ca.crt", target: "/creds/ca.crt" }],
  extraHosts: [],
};

function planned(changes: Partial<Changes> = {}, model: ComposeModel = DASHBOARD) {
  const found = findService(model, COMPONENTS.dashboard);
  assert.ok("service" in found);
  return planCompose(found, { ...CHANGES, ...changes });
}

test("the component's service is the one with its port, in the container or on the host, else the only one", () => {
  const cases: readonly (readonly [string, ComposeModel["services"], string, number, number])[] = [
    ["the container's port", { a: {}, b: { ports: [{ target: 8005, published: "9005" }] } }, "b", 8005, 9005],
    ["the host's port", { a: {}, b: { ports: [{ target: 80, published: "8005" }] } }, "b", 80, 8005],
    ["no host port", { a: {}, b: { ports: [{ target: 8005 }] } }, "b", 8005, 8005],
    ["a range", { a: { ports: [{ target: 8005, published: "8000-8010" }] } }, "a", 8005, 8000],
    [
      "both ports before the container's",
      {
        a: { ports: [{ target: 8005, published: "8081" }] },
        b: { ports: [{ target: 8005, published: "8005" }] },
      },
      "b",
      8005,
      8005,
    ],
    ["no port at all", { only: {} }, "only", 8005, 8005],
  ];
  for (const [what, services, service, target, published] of cases) {
    const found = findService({ services }, COMPONENTS.dashboard);
    assert.deepEqual(found, { model: { services }, service, port: { target, published } }, what);
  }
  const twice = { a: { ports: [{ target: 8005 }] }, b: { ports: [{ target: 8005 }] } };
  assert.ok("complaint" in findService({ services: twice }, COMPONENTS.dashboard), "two that are alike");
  const none = findService({ services: { a: {}, b: {} } }, COMPONENTS.dashboard);
  assert.ok("complaint" in none);
  assert.match(none.complaint.reason, /8005 \(services: a, b\)/);
});

test("the component's service becomes the run's: image, name, addresses, networks", () => {
  const own = planned().services["torch-dashboard"];
  assert.equal(own?.image, "kind-torch/bologna-dashboard:1");
  assert.equal(own?.container_name, "bologna-dashboard");
  assert.equal(own?.pull_policy, "never");
  assert.ok(!("build" in (own ?? {})) && !("network_mode" in (own ?? {})));
  assert.deepEqual(own?.environment, { BPMN_ENGINE: "http://bologna-engine:8080", APP_URL: "http://localhost:8005" });
  assert.deepEqual(own?.networks, {
    default: {},
    torch: { aliases: ["torch-dashboard", "torch-dashboard"] },
    kind: {},
  });
  assert.deepEqual(own?.depends_on, { db: { condition: "service_started" } }, "what is not ours is kept");
});

test("nothing is published elsewhere than on 127.0.0.1", () => {
  const { services } = planned();
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  assert.deepEqual(
    ports.map(({ host_ip, published }) => [host_ip, published]),
    [
      ["127.0.0.1", "3306"],
      ["127.0.0.1", "8005"],
      ["127.0.0.1", "5173"],
    ],
  );
});

test("a component that publishes nothing gets its port", () => {
  const { services } = planned({}, { services: { only: { image: "x" } } });
  assert.deepEqual(services.only?.ports, [
    { mode: "ingress", target: 8005, published: "8005", protocol: "tcp", host_ip: "127.0.0.1" },
  ]);
  assert.deepEqual(Object.keys(services.only?.networks ?? {}), ["torch", "kind"], "no network for one alone");
});

test("files are mounted read-only, one by one, in the place of what the checkout mounts there", () => {
  assert.deepEqual(planned().services["torch-dashboard"]?.volumes, [
    { type: "volume", source: "db", target: "/var/lib" },
    {
      type: "bind",
      source: "/run/creds/ca.crt",
      target: "/creds/ca.crt",
      read_only: true,
      bind: { create_host_path: false },
    },
  ]);
});

test("nothing is shared with another run: networks and volumes are the project's own, and labelled", () => {
  const { networks, volumes, services, name } = planned();
  const labels = CHANGES.labels;
  assert.equal(name, "bologna-dashboard-1");
  assert.deepEqual(networks, {
    default: { labels },
    torch: { external: true, name: "bologna-torch-1" },
    kind: { external: true, name: "kind" },
  });
  assert.deepEqual(volumes, { db: { driver: "local", labels }, shared: { labels } });
  for (const service of Object.values(services)) assert.deepEqual(service.labels, labels);
  assert.deepEqual(services.db?.networks, { default: { aliases: [] } }, "a helper is reached by its component alone");
});

test("outside kind's network a component knows the Docker host instead", () => {
  const { networks, services } = planned({ joinsKind: false, extraHosts: ["host.docker.internal:host-gateway"] });
  assert.deepEqual(Object.keys(networks ?? {}), ["default", "torch"]);
  assert.deepEqual(Object.keys(services["torch-dashboard"]?.networks ?? {}), ["default", "torch"]);
  assert.deepEqual(services["torch-dashboard"]?.extra_hosts, ["host.docker.internal:host-gateway"]);
});

test("the ports to be free are those with a number", () => {
  const found = findService(DASHBOARD, COMPONENTS.dashboard);
  assert.ok("service" in found);
  assert.deepEqual(listPublishedPorts(found).toSorted(), [3306, 5173, 8005]);
  const range = { services: { a: { ports: [{ target: 8005, published: "8000-8010" }, { target: 1 }] } } };
  assert.deepEqual(listPublishedPorts({ model: range, port: { target: 8005, published: 8005 } }), [8005]);
});

test("an address gets another host and keeps its path", () => {
  const cases: readonly (readonly [string | null | undefined, string])[] = [
    ["http://192.168.1.5:8080/flowable-rest/service", "http://e:1/flowable-rest/service"],
    ["http://localhost:8080/", "http://e:1"],
    ["http://localhost:8080", "http://e:1"],
    ["https://x/a/?b", "http://e:1/a"],
    ["localhost:8080", "http://e:1"],
    ["", "http://e:1"],
    [null, "http://e:1"],
    [undefined, "http://e:1"],
  ];
  for (const [before, after] of cases) assert.equal(redirectUrl(before, "e", 1), after);
});

test("a service that yields keeps all but its weight, and the others keep all", () => {
  const { db, "torch-dashboard": own } = DASHBOARD.services;
  const yielding = yieldProcessor(DASHBOARD, "torch-dashboard");
  assert.ok((yielding.services["torch-dashboard"]?.cpu_shares ?? 1024) < 1024);
  assert.deepEqual(yielding, {
    ...DASHBOARD,
    services: { db, "torch-dashboard": { ...own, cpu_shares: yielding.services["torch-dashboard"]?.cpu_shares } },
  });
});

test("a helper in the component's image runs in the one that was built, and one in its network stays there", () => {
  const own = { image: "edrudi97/x", ports: [{ target: 8005, published: "8005" }] };
  const model = {
    services: {
      own,
      queue: { image: "edrudi97/x", profiles: ["a"] },
      side: { image: "proxy", network_mode: "service:own" },
    },
  };
  const { services } = planned({}, model);
  assert.equal(services.queue?.image, CHANGES.image);
  assert.equal(services.queue?.pull_policy, "never");
  assert.ok(!("profiles" in (services.queue ?? {})));
  assert.equal(services.side?.network_mode, "service:own");
  assert.ok(!("networks" in (services.side ?? {})) && !("ports" in (services.side ?? {})));
});

test("what of a build cannot be kept is said", () => {
  const check = (services: ComposeModel["services"]) =>
    checkBuilds({ model: { services }, service: "own", port: { target: 1, published: 1 } })?.reason;
  const build = { context: "/a", dockerfile: "Dockerfile" };
  assert.equal(check({ own: {} }), undefined);
  assert.equal(check({ own: { build: { ...build, args: { A: null } } }, queue: { build } }), undefined);
  assert.match(check({ own: { build: { ...build, secrets: [] } } }) ?? "", /not passed on: secrets/);
  assert.match(check({ own: { build }, helper: { build: { context: "/b" } } }) ?? "", /own to build: helper/);
});
