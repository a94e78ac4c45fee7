import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { ENTRY, NARROWED_DOCKER } from "../../../src/load-balancer/narrow.ts";
import { makeFolder } from "../builders.ts";

const run = promisify(execFile);
const ENVIRONMENT = {
  KIND_TORCH_CLUSTER: "bologna",
  KIND_TORCH_LABEL: "kind-torch.load-balancer=bologna-0a1b",
  KIND_TORCH_MARK: "kind-torch.cluster=bologna",
  KIND_TORCH_PROXY: "envoy:1@sha256:ab",
};

/** The script in the place of Docker's client. @returns what the client is started with. */
async function narrowed(context: TestContext): Promise<(...args: readonly string[]) => Promise<readonly string[]>> {
  const folder = await makeFolder(context);
  const [script, client] = [join(folder, "narrowed"), join(folder, "client")];
  await writeFile(script, NARROWED_DOCKER);
  await writeFile(client, "#!/bin/sh\nfor each; do printf '%s\\0' \"$each\"; done\n");
  await chmod(client, 0o755);
  return async (...args) => {
    const env = { ...process.env, ...ENVIRONMENT, KIND_TORCH_DOCKER: client };
    const { stdout } = await run("sh", [script, ...args], { env });
    return stdout.split("\0").slice(0, -1);
  };
}

test("only its own cluster is seen, and of the load balancers only the run's", async (context) => {
  const docker = await narrowed(context);
  const format = ["--format", "{{.Names}}"];
  for (const label of ["io.x-k8s.kind.cluster", "io.x-k8s.kind.cluster=other"]) {
    const asked = ["ps", "-a", "--filter", `label=${label}`, ...format];
    assert.deepEqual(await docker(...asked), [...asked, "--filter=label=io.x-k8s.kind.cluster=bologna"]);
  }
  for (const filter of [
    ["-a", "--filter", "label=io.x-k8s.cloud-provider-kind.cluster"],
    ["-q", "-f", "name=kindccm-0a"],
  ]) {
    const asked = ["ps", ...filter, ...format];
    assert.deepEqual(await docker(...asked), [...asked, "--filter=label=kind-torch.load-balancer=bologna-0a1b"]);
  }
});

test("a load balancer is the run's, of the catalog's image, and publishes nothing", async (context) => {
  const docker = await narrowed(context);
  const command = ["bash", "-c", "echo -en 'a: \"b\"\n$x' > /y && envoy --publish=1"];
  const asked = ["--name", "kindccm-1", "--net", "kind", "--publish=10000/TCP", "--publish-all"];
  const started = await docker("run", ...asked, "docker.io/envoyproxy/envoy:v1.33.2", ...command);
  assert.deepEqual(started, [
    "run",
    "--pull=never",
    "--label=kind-torch.load-balancer=bologna-0a1b",
    "--label=kind-torch.cluster=bologna",
    ...["--name", "kindccm-1", "--net", "kind", "envoy:1@sha256:ab"],
    ...command,
  ]);
});

test("what a Service asks for as its address stays the value of its option", async (context) => {
  const docker = await narrowed(context);
  // Kubernetes takes any text for a Service's loadBalancerIP.
  for (const address of ["172.18.0.9", "--publish-all", "--publish=80:80", "docker.io/envoyproxy/envoy:v1"]) {
    const asked = ["--net", "kind", "--ip", address, "--publish-all", "docker.io/envoyproxy/envoy:v1.33.2", "bash"];
    const expected = ["--net", "kind", "--ip", address, "envoy:1@sha256:ab", "bash"];
    assert.deepEqual((await docker("run", ...asked)).slice(4), expected, address);
  }
});

test("the API server's port on this machine is hidden, and the rest is Docker's to answer", async (context) => {
  const docker = await narrowed(context);
  const port =
    '{{ with (index (index .NetworkSettings.Ports "6443/tcp") 0) }}{{ printf "%s\t%s" .HostIp .HostPort }}{{ end }}';
  assert.deepEqual(await docker("inspect", "--format", port, "bologna-control-plane"), []);
  for (const asked of [
    ["inspect", "-f", "{{ json .NetworkSettings.Ports }}", "kindccm-1"],
    ["rm", "-f", "kindccm-1"],
    ["-v"],
    [],
  ]) {
    assert.deepEqual(await docker(...asked), asked);
  }
});

test("no argument of a container is changed, split or expanded", async (context) => {
  const docker = await narrowed(context);
  const argument = fc
    .string({ maxLength: 40, unit: "grapheme" })
    .filter((text) => !/^(?:--publish|docker\.io\/envoyproxy\/envoy:)|\0/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(argument, { maxLength: 6 }), async (args) => {
      assert.deepEqual((await docker("run", ...args)).slice(4), args);
    }),
    { numRuns: 30 },
  );
});

test("the provider becomes the container's process, with the script before Docker's client", async (context) => {
  const folder = await makeFolder(context);
  const provider = join(folder, "cloud-provider-kind");
  await writeFile(provider, '#!/bin/sh\necho "$$ $*"\ncat "$(command -v docker)"\n');
  await writeFile(join(folder, "docker"), "#!/bin/sh\n");
  for (const each of ["docker", "cloud-provider-kind"]) await chmod(join(folder, each), 0o755);
  const entry = ENTRY.replaceAll("/kind-torch", join(folder, "own"));
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const command = ["-c", `echo "$$"\n${entry}`, "sh", NARROWED_DOCKER, "--flag=a b"];
  const { stdout } = await run("sh", command, { env });
  const [shell, first, ...script] = stdout.split("\n");
  assert.equal(first, `${shell} --flag=a b`);
  assert.equal(script.join("\n"), NARROWED_DOCKER);
  await writeFile(join(folder, "docker"), "#!/bin/sh\nexit 1\n");
  await assert.rejects(run("sh", command, { env }), /not the one that runs this container/);
});
