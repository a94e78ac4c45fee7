import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import type { ComposeModel } from "../../../../src/torch/compose/model.ts";
import { type Changes, findOwnKey, planCompose, redirectUrl } from "../../../../src/torch/compose/plan.ts";
import { findService } from "../../../../src/torch/compose/service.ts";
import { BUILD, DASHBOARD, IMAGE } from "./dashboard.ts";

const CHANGES: Changes = {
  project: "bologna-dashboard-1",
  container: "bologna-dashboard",
  image: "kind-torch/bologna-dashboard:1",
  labels: { "kind-torch.run": "bologna-1" },
  network: "bologna-torch-1",
  joinsKind: true,
  environment: { BPMN_ENGINE: "http://bologna-engine:8080" },
  files: [{ source: "/run/creds/ca.crt", target: "/creds/ca.crt" }],
  defaults: {},
  extraHosts: [],
};

function planned(changes: Partial<Changes> = {}, model: ComposeModel = DASHBOARD) {
  const found = findService(model, COMPONENTS.dashboard);
  assert.ok("service" in found);
  return planCompose(found, { ...CHANGES, ...changes });
}

/** The name of the component's own service in what is written. */
const OWN = CHANGES.container;

test("behind a proxy the component publishes nothing, and the proxy keeps its image and port", () => {
  const proxy = { image: "nginx", ports: [{ target: 80, published: "8005" }] };
  const { services } = planned({}, { services: { proxy, a: { build: BUILD, ports: [{ target: 9999 }] } } });
  assert.equal(services[OWN]?.image, CHANGES.image);
  assert.deepEqual(services[OWN]?.ports, []);
  assert.equal(services.proxy?.image, "nginx");
  assert.deepEqual(services.proxy?.ports, [{ target: 80, published: "8005", host_ip: "127.0.0.1" }]);
  const { services: plain } = planned({}, { services: { proxy, a: { build: BUILD } } });
  assert.deepEqual(plain[OWN]?.ports, []);
  assert.deepEqual(plain.proxy?.ports, [{ target: 80, published: "8005", host_ip: "127.0.0.1" }]);
});

test("the component's service becomes the run's: image, name, addresses, networks", () => {
  const own = planned().services[OWN];
  assert.equal(own?.image, "kind-torch/bologna-dashboard:1");
  assert.equal(own?.container_name, "bologna-dashboard");
  assert.equal(own?.pull_policy, "never");
  assert.ok(!("build" in (own ?? {})) && !("network_mode" in (own ?? {})));
  assert.deepEqual(own?.environment, { BPMN_ENGINE: "http://bologna-engine:8080", APP_URL: "http://localhost:8005" });
  assert.deepEqual(own?.networks, {
    default: { aliases: ["torch-dashboard"] },
    torch: { aliases: ["torch-dashboard"] },
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
  assert.deepEqual(services[OWN]?.ports, [
    { mode: "ingress", target: 8000, published: "8005", protocol: "tcp", host_ip: "127.0.0.1" },
  ]);
  assert.deepEqual(Object.keys(services[OWN]?.networks ?? {}), ["torch", "kind"], "no network for one alone");
});

test("files are mounted read-only, one by one, in the place of what the checkout mounts there", () => {
  assert.deepEqual(planned().services[OWN]?.volumes, [
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
  assert.deepEqual(Object.keys(services[OWN]?.networks ?? {}), ["default", "torch"]);
  assert.deepEqual(services[OWN]?.extra_hosts, ["host.docker.internal:host-gateway"]);
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
  assert.equal(services.side?.network_mode, `service:${OWN}`);
  assert.ok(!("networks" in (services.side ?? {})) && !("ports" in (services.side ?? {})));
});

test("on kind's network a component has no name that its checkout chose", () => {
  const model: ComposeModel = {
    services: {
      "other-control-plane": {
        image: IMAGE,
        hostname: "third-control-plane",
        domainname: "example.org",
        env_file: ["/proc/1/environ"],
        label_file: ["/proc/1/environ"],
      },
    },
  };
  const { services } = planned({}, model);
  // Compose makes the service's name an alias on every network.
  assert.deepEqual(Object.keys(services), [CHANGES.container]);
  const own = services[OWN] ?? {};
  for (const key of ["hostname", "domainname", "env_file", "label_file"]) assert.ok(!(key in own), key);
  assert.deepEqual(own.networks, { torch: { aliases: ["other-control-plane"] }, kind: {} });
  assert.equal(planned({ joinsKind: false }, model).services[OWN]?.hostname, "third-control-plane");
});

test("what refers to the component's service by its name still does", () => {
  const own = { image: IMAGE, depends_on: { db: {} }, links: ["db"] };
  const helper = {
    depends_on: { web: { condition: "service_healthy" }, db: {} },
    links: ["web", "web:app", "db:web", "website"],
    volumes_from: ["web", "web:ro", "container:web", "website"],
    ipc: "service:web",
    pid: "service:web",
  };
  const { services } = planned({}, { services: { web: own, helper, list: { depends_on: ["web", "db"] }, db: {} } });
  const { depends_on, links, volumes_from, ipc, pid } = services.helper ?? {};
  assert.deepEqual(depends_on, { [OWN]: { condition: "service_healthy" }, db: {} });
  assert.deepEqual(links, [`${OWN}:web`, `${OWN}:app`, "db:web", "website"]);
  assert.deepEqual(volumes_from, [OWN, `${OWN}:ro`, "container:web", "website"]);
  assert.deepEqual([ipc, pid], [`service:${OWN}`, `service:${OWN}`]);
  assert.deepEqual(services.list?.depends_on, [OWN, "db"]);
  assert.deepEqual(services[OWN]?.depends_on, { db: {} });
  assert.deepEqual(services[OWN]?.networks, {
    default: { aliases: ["web"] },
    torch: { aliases: ["web"] },
    kind: {},
  });
});

test("no helper is lost to the component's new name", () => {
  const names = fc.constantFrom("web", OWN, `${OWN}-own`, "db", "__proto_", "container");
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 1 }), ([own = "", ...helpers]) => {
      const services = Object.fromEntries([
        [own, { image: IMAGE }],
        ...helpers.map((name) => [name, { image: name, depends_on: { [own]: {} } }]),
      ]);
      const made = planned({}, { services });
      const key = findOwnKey(made);
      assert.equal(made.services[key]?.container_name, CHANGES.container);
      assert.deepEqual(Object.keys(made.services).toSorted(), [...helpers, key].toSorted());
      for (const name of helpers) assert.deepEqual(made.services[name]?.depends_on, { [key]: {} });
    }),
  );
});
