import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import type { ComposeModel } from "../../../../src/torch/compose/model.ts";
import { checkServiceNames, findService, listPublishedPorts } from "../../../../src/torch/compose/service.ts";
import { BUILD, DASHBOARD, IMAGE } from "./dashboard.ts";

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

test("a component's service that is ambiguous is refused, with what contradicts what", () => {
  const ports = [{ target: 8000, published: "8005" }];
  const cases: readonly (readonly [string, ComposeModel["services"], RegExp])[] = [
    [
      "two alike by port",
      { a: { ports }, b: { ports } },
      /not have exactly one service that is the dashboard \(services: a, b\)/,
    ],
    ["two alike by build", { a: { build: BUILD }, b: { build: BUILD } }, /exactly one service/],
    ["nothing to tell by", { a: {}, b: {} }, /exactly one service.*a, b/],
    ["none at all", {}, /exactly one service/],
    ["build against image", { a: { build: BUILD }, b: { image: IMAGE } }, /builds a, and has the image .* at b/],
    [
      "build against image, whatever the port says",
      { a: { build: BUILD, ports }, b: { image: IMAGE } },
      /builds a, and has the image .* at b/,
    ],
  ];
  for (const [what, services, reason] of cases) {
    const found = findService({ services }, COMPONENTS.dashboard);
    assert.ok("issue" in found, what);
    assert.match(found.issue.reason, reason, what);
    assert.match(found.issue.allowed, /edrudi97\/torch-dashboard.*8005/, what);
  }
});

test("the ports that must be free are those with a number", () => {
  const found = findService(DASHBOARD, COMPONENTS.dashboard);
  assert.ok("service" in found);
  assert.deepEqual(listPublishedPorts(found).toSorted(), [3306, 5173, 8005]);
  const range = { services: { a: { ports: [{ target: 8005, published: "8000-8010" }, { target: 1 }] } } };
  assert.deepEqual(listPublishedPorts({ model: range, port: { target: 8005, published: 8005, own: true } }), [8005]);
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
