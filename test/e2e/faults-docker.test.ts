import assert from "node:assert/strict";
import { errorOf, fault } from "./fault.ts";
import { sh } from "./harness.ts";

fault(
  {
    area: "Docker",
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
