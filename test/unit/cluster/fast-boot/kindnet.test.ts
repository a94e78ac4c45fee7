import assert from "node:assert/strict";
import { test } from "node:test";
import { isKindnetd, renderKindnetConfiguration } from "../../../../src/cluster/fast-boot/kindnet.ts";

test("the configuration is kindnetd's: JSON for one subnet, with the MTU left to the node", () => {
  const text = renderKindnetConfiguration("10.244.3.0/24");
  assert.equal(text.match(/%/g)?.length, 1);
  const value: unknown = JSON.parse(text.replace("%s", "1450"));
  assert.deepEqual(value, {
    cniVersion: "0.3.1",
    name: "kindnet",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir: "/run/cni-ipam-state",
          routes: [{ dst: "0.0.0.0/0" }],
          ranges: [[{ subnet: "10.244.3.0/24" }]],
        },
        mtu: 1450,
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
});

test("kindnetd is recognized by the image of a pod", () => {
  for (const image of ["docker.io/kindest/kindnetd:v20241108-5c6d2daf", "kindnetd@sha256:00", " kindest/kindnetd:1 "]) {
    assert.ok(isKindnetd(image), image);
  }
  for (const image of ["docker.io/calico/node:v3", "mine/not-kindnetd:1", "kindnetd", "", "<none>"]) {
    assert.ok(!isKindnetd(image), image);
  }
});
