import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, type Fault, fault, logOf } from "./fault.ts";
import { sh } from "./harness.ts";
import { startAsNobody } from "./other-user.ts";
import { startEngine } from "./second-engine.ts";

const AREA = "Docker";

/** If containerd is the machine's own, both engines use it. */
const OWN_NAMESPACES = {
  "containerd-namespace": "kind-torch-test",
  "containerd-plugins-namespace": "kind-torch-test-plugins",
};

fault(
  {
    area: AREA,
    cause: "a container that is not the cluster's has a node's name",
    when: "before the step",
    sees: "an error with the container's name; the container is left alone",
    seconds: 60,
  },
  async ({ machine, cluster, prepare }) => {
    const name = `${cluster}-control-plane`;
    await sh("docker", ["create", "--name", name, machine.probeImage]);
    try {
      const run = await prepare();
      assert.match(errorOf(await run.main()), new RegExp(name));
      await run.post();
      assert.equal(await sh("docker", ["inspect", "--format={{.Name}}", name]), `/${name}`);
    } finally {
      await sh("docker", ["rm", "--force", name]);
    }
  },
);

fault(
  {
    area: AREA,
    cause: "Docker's socket is not the user's to use",
    when: "when the step begins",
    sees: "one error that says so, with the group to add the user to, before anything is downloaded",
    seconds: 60,
    skip: WITHOUT_ROOT,
  },
  async ({ prepare }) => {
    const run = await prepare();
    const start = await startAsNobody(run, join(run.folders.workspace, "../program"));
    const error = errorOf(await run.main({ start }));
    assert.match(error, /this user may not use it \(permission denied on its socket\).*Fix: add the runner's user to/);
  },
);

/** An image that is nothing but a name: for what ends before a node is made. */
const NO_NODE = "kind-torch-fault/node:v1.28.15";

/** A fault of the networks of an engine of the test's own, which runs no node. */
function onNetworks(
  row: Omit<Fault, "area" | "seconds" | "skip">,
  inputs: Readonly<Record<string, string>>,
  { network, expected }: { readonly network: readonly string[]; readonly expected: RegExp },
): void {
  fault({ area: AREA, seconds: 60, skip: WITHOUT_ROOT, ...row }, async ({ prepare }) => {
    const run = await prepare({ "node-image": NO_NODE, ...inputs });
    const pools = [{ base: "10.214.0.0/24", size: 24 }];
    const engine = await startEngine({ "default-address-pools": pools }, OWN_NAMESPACES);
    try {
      const empty = join(run.folders.workspace, "empty.tar");
      await writeFile(empty, Buffer.alloc(1024));
      await engine.docker("import", empty, NO_NODE);
      await engine.docker("network", "create", ...network);
      const environment = { DOCKER_HOST: engine.host };
      const result = await run.main({ environment });
      assert.match(errorOf(result), expected);
      assert.doesNotMatch(logOf(result), /Try 1 of/);
      assert.equal((await run.post({ environment })).exitCode, 0);
      assert.equal(await engine.docker("ps", "--all", "--quiet"), "");
    } finally {
      await engine.end();
    }
  });
}

onNetworks(
  {
    cause: "Docker has no subnet left for another network",
    when: "when kind makes its network",
    sees: "one error that says so, with docker network prune; it is not tried again",
  },
  {},
  { network: ["the-last"], expected: /no subnet left for another network[\s\S]*Fix: remove networks/ },
);

onNetworks(
  {
    cause: "the network kind has the subnet of the cluster's pods",
    when: "when the step begins",
    sees: "one error with both subnets, before anything is changed",
  },
  {},
  {
    network: ["--subnet=10.244.0.0/16", "kind"],
    expected: /10\.244\.0\.0\/16 \(kind's default\) and Docker's network kind: 10\.244\.0\.0\/16" overlap.*Fix: /,
  },
);

onNetworks(
  {
    cause: "the network kind has no IPv6, and kind-config asks for ipFamily: dual",
    when: "when the step begins",
    sees: "one error with the field and the network, before anything is changed",
  },
  { "kind-config": "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: {ipFamily: dual}\n" },
  { network: ["kind"], expected: /ipFamily: dual needs IPv6, which Docker's network kind does not have[\s\S]*Fix: / },
);
