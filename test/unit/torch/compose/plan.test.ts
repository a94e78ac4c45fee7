import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPlatform, pullImage } from "../../../../src/docker/images.ts";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import {
  type Changes,
  type ComposeModel,
  checkBuilds,
  checkServiceNames,
  findOwnKey,
  findService,
  listPublishedPorts,
  planCompose,
  redirectUrl,
  STARTING_SHARES,
  withShares,
  YIELDING_SHARES,
} from "../../../../src/torch/compose/plan.ts";

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
        { mode: "ingress", target: 8000, published: "8005", protocol: "tcp" },
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

const BUILD = { context: "/src/dashboard" };
const IMAGE = "edrudi97/torch-dashboard:v0.1.0";

test("the component's own service is the one that is built, else its image's, else its port's, else the only one", () => {
  const port = (target: number, published: number, own = true) => ({ target, published, own });
  const cases: readonly (readonly [string, ComposeModel["services"], string, ReturnType<typeof port>])[] = [
    ["the container's port", { a: {}, b: { ports: [{ target: 8000, published: "9005" }] } }, "b", port(8000, 9005)],
    ["the host's port", { a: {}, b: { ports: [{ target: 80, published: "8005" }] } }, "b", port(80, 8005)],
    ["no host port", { a: {}, b: { ports: [{ target: 8000 }] } }, "b", port(8000, 8005)],
    ["a range", { a: { ports: [{ target: 8000, published: "8003-8010" }] } }, "a", port(8000, 8003)],
    [
      "both ports before the host's before the container's",
      {
        a: { ports: [{ target: 8000, published: "8081" }] },
        b: { ports: [{ target: 8000, published: "8005" }] },
        c: { ports: [{ target: 80, published: "8005" }] },
      },
      "b",
      port(8000, 8005),
    ],
    [
      "the fitting one of several ports",
      { a: { ports: [{ target: 5173, published: "5173" }, { target: 8000, published: "8005" }, { target: 1 }] } },
      "a",
      port(8000, 8005),
    ],
    ["no port at all", { only: {} }, "only", port(8000, 8005)],
    ["the image before the port", { a: { image: IMAGE }, b: { ports: [{ target: 8000 }] } }, "a", port(8000, 8005)],
    ["an image without a tag", { a: { image: "edrudi97/torch-dashboard" }, b: {} }, "a", port(8000, 8005)],
    ["an image by digest", { a: { image: "edrudi97/torch-dashboard@sha256:1" }, b: {} }, "a", port(8000, 8005)],
    [
      "the build before the port",
      { a: { build: BUILD }, b: { ports: [{ target: 8000, published: "9000" }] } },
      "a",
      port(8000, 8005),
    ],
    [
      "of two that are built, the one with the image",
      { queue: { build: BUILD }, a: { build: BUILD, image: IMAGE } },
      "a",
      port(8000, 8005),
    ],
    [
      "of two that are built with the image, the one with the port",
      { queue: { build: BUILD, image: IMAGE }, a: { build: BUILD, image: IMAGE, ports: [{ target: 8000 }] } },
      "a",
      port(8000, 8005),
    ],
    [
      "a proxy publishes the port",
      { proxy: { image: "nginx", ports: [{ target: 80, published: "8005" }] }, a: { build: BUILD } },
      "a",
      port(8000, 8005, false),
    ],
    [
      "a proxy publishes the port, and the image alone is named",
      { proxy: { image: "nginx", ports: [{ target: 8000, published: "8005" }] }, a: { image: IMAGE } },
      "a",
      port(8000, 8005, false),
    ],
    [
      "a proxy publishes the port of a service that has one without a number on the host",
      {
        proxy: { image: "nginx", ports: [{ target: 80, published: "8005" }] },
        a: { build: BUILD, ports: [{ target: 9999 }] },
      },
      "a",
      port(9999, 8005, false),
    ],
  ];
  for (const [what, services, service, expected] of cases) {
    const found = findService({ services }, COMPONENTS.dashboard);
    assert.deepEqual(found, { model: { services }, service, port: expected }, what);
  }
});

test("the engine and the service layer are found by their own images and ports", () => {
  for (const { component, image, hostPort } of [
    { component: COMPONENTS.engine, image: "edrudi97/custom-flowable-rest:v0.1.0", hostPort: 8080 },
    { component: COMPONENTS.services, image: "edrudi97/torchservices:v0.1.0", hostPort: 9000 },
  ]) {
    const byImage = findService({ services: { a: {}, b: { image } } }, component);
    const byPort = findService({ services: { a: {}, b: { ports: [{ target: hostPort }] } } }, component);
    for (const found of [byImage, byPort]) {
      assert.ok("service" in found, JSON.stringify(found));
      assert.deepEqual([found.service, found.port], ["b", { target: hostPort, published: hostPort, own: true }]);
    }
  }
});

test("a component's service that is not plain is refused, with what stands against what", () => {
  const ports = [{ target: 8000, published: "8005" }];
  const cases: readonly (readonly [string, ComposeModel["services"], RegExp])[] = [
    ["two alike by port", { a: { ports }, b: { ports } }, /not one service that is the dashboard \(services: a, b\)/],
    ["two alike by build", { a: { build: BUILD }, b: { build: BUILD } }, /not one service/],
    ["nothing to tell by", { a: {}, b: {} }, /not one service.*a, b/],
    ["none at all", {}, /not one service/],
    ["build against image", { a: { build: BUILD }, b: { image: IMAGE } }, /has a to build, and the image .* at b/],
    [
      "build against image, whatever the port says",
      { a: { build: BUILD, ports }, b: { image: IMAGE } },
      /has a to build, and the image .* at b/,
    ],
  ];
  for (const [what, services, reason] of cases) {
    const found = findService({ services }, COMPONENTS.dashboard);
    assert.ok("issue" in found, what);
    assert.match(found.issue.reason, reason, what);
    assert.match(found.issue.allowed, /edrudi97\/torch-dashboard.*8005/, what);
  }
});

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

test("the ports to be free are those with a number", () => {
  const found = findService(DASHBOARD, COMPONENTS.dashboard);
  assert.ok("service" in found);
  assert.deepEqual(listPublishedPorts(found).toSorted(), [3306, 5173, 8005]);
  const range = { services: { a: { ports: [{ target: 8005, published: "8000-8010" }, { target: 1 }] } } };
  assert.deepEqual(listPublishedPorts({ model: range, port: { target: 8005, published: 8005, own: true } }), [8005]);
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

test("a service with another weight keeps all else, and the others keep all", () => {
  const { db, "torch-dashboard": own } = DASHBOARD.services;
  assert.deepEqual(withShares(DASHBOARD, "torch-dashboard", 64), {
    ...DASHBOARD,
    services: { db, "torch-dashboard": { ...own, cpu_shares: 64 } },
  });
  // Docker gives 1024 where nothing is said.
  assert.ok(YIELDING_SHARES < 1024 && STARTING_SHARES > 1024);
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

test("what of a build cannot be kept is said", () => {
  const check = (services: ComposeModel["services"]) =>
    checkBuilds({ model: { services }, service: "own", port: { target: 1, published: 1, own: true } })?.reason;
  const build = { context: "/a", dockerfile: "Dockerfile" };
  assert.equal(check({ own: {} }), undefined);
  assert.equal(check({ own: { build: { ...build, args: { A: null } } }, queue: { build } }), undefined);
  assert.match(check({ own: { build: { ...build, secrets: [] } } }) ?? "", /not passed on: secrets/);
  assert.match(check({ own: { build }, helper: { build: { context: "/b" } } }) ?? "", /own to build: helper/);
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

test("who calls the component's service by its name still does", () => {
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

test("a component does not take the name of a cluster's node", () => {
  const reason = (service: string, container_name?: string) =>
    checkServiceNames({
      service,
      model: { services: { [service]: container_name === undefined ? {} : { container_name }, "queue-worker": {} } },
    })?.reason;
  for (const name of [
    "other-control-plane",
    "a-control-plane2",
    "a-worker",
    "a-worker12",
    "a-external-load-balancer",
  ]) {
    assert.ok(reason(name)?.endsWith(name), name);
    assert.ok(reason("web", name)?.endsWith(name), name);
  }
  for (const name of ["web", "worker", "control-plane", "a-workers", "torch-dashboard"]) {
    assert.equal(reason(name, name), undefined, name);
  }
});

test("an image of another platform than the one that is asked for is another image", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["linux/amd64/", "linux/amd64", true],
    ["linux/amd64/", "linux/x86_64", true],
    ["linux/arm64/v8", "linux/arm64", true],
    ["linux/arm64/", "linux/aarch64/v8", true],
    ["linux/amd64/", "amd64", true],
    ["linux/amd64/", "linux", true],
    ["linux/arm64/", "linux/amd64", false],
    ["linux/arm/v6", "linux/arm/v7", false],
    ["windows/amd64/", "linux/amd64", false],
    ["linux/arm64/", "amd64", false],
  ];
  for (const [found, asked, same] of cases) assert.equal(isPlatform(found, asked), same, `${found} for ${asked}`);
});

test("the platform that a helper asks for is the one that is pulled", async () => {
  const asked = async (platform: string | undefined, again = false) => {
    const commands: (readonly string[])[] = [];
    await pullImage(
      "helper:1",
      async ({ args = [] }) => {
        commands.push(args);
        return { stdout: "linux/arm64/v8\n", stderr: "" };
      },
      () => undefined,
      { again, ...(platform === undefined ? {} : { platform }) },
    );
    return commands.filter(([command]) => command === "pull").map((args) => args.slice(1));
  };
  assert.deepEqual(await asked("linux/amd64"), [["--quiet", "--platform=linux/amd64", "helper:1"]]);
  assert.deepEqual(await asked("linux/arm64"), []);
  assert.deepEqual(await asked(undefined), []);
  assert.deepEqual(await asked(undefined, true), [["--quiet", "helper:1"]]);
});
