import assert from "node:assert/strict";
import { test } from "node:test";
import { findGroup } from "../../../src/host/cpu-weight.ts";

test("a container's own control group is found above what its init makes", () => {
  const id = "c0ffee";
  assert.equal(findGroup(`0::/system.slice/docker-${id}.scope/init.scope\n`, id), `/system.slice/docker-${id}.scope`);
  assert.equal(findGroup(`0::/docker/${id}\n`, id), `/docker/${id}`);
  // cgroup v1, alone and beside a second hierarchy that has no container in it; a process of another container.
  assert.equal(findGroup(`4:cpu,cpuacct:/docker/${id}\n0::/system.slice\n`, id), undefined);
  assert.equal(findGroup(`4:cpu,cpuacct:/docker/${id}\n`, id), undefined);
  assert.equal(findGroup("0::/docker/other\n", id), undefined);
  assert.equal(findGroup("0::/docker\n", ""), undefined);
});
