import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { RESOLV_CONF_MOUNT } from "../../../../src/cluster/config/render.ts";
import { ADDITIONS, configure, VERSIONS } from "../../builders.ts";
import { render } from "./rendering.ts";

const OWNER_MOUNT = "/kind-torch/owner";

test("kind gets the user's configuration with ours added to it", () => {
  const user = configure(
    [
      "containerdConfigPatches: ['x = 1']",
      "networking: {podSubnet: 10.9.0.0/16, kubeProxyMode: nftables}",
      "nodes:",
      "- labels: {a: b}",
      "  extraMounts: [{hostPath: /data, containerPath: /data}]",
      "- role: worker",
      "  image: other:v1.27.1",
      "",
    ].join("\n"),
  );
  const rendered = render({}, { user });
  assert.deepEqual(rendered.containerdConfigPatches, ["x = 1"]);
  assert.deepEqual(rendered.networking, {
    podSubnet: "10.9.0.0/16",
    kubeProxyMode: "nftables",
    apiServerAddress: "127.0.0.1",
    dnsSearch: [],
  });
  assert.deepEqual(
    rendered.nodes.map((node) => node.image),
    [VERSIONS.nodeImage, "other:v1.27.1"],
  );
  assert.deepEqual(rendered.nodes[0]?.labels, { a: "b" });
  assert.deepEqual(
    rendered.nodes[0]?.extraMounts.map((mount) => mount.containerPath),
    ["/data", OWNER_MOUNT],
  );
  assert.deepEqual(
    rendered.nodes[1]?.extraMounts.map((mount) => mount.containerPath),
    [OWNER_MOUNT],
  );
});

test("containerd reads what says how it pulls images, before the user's patches", () => {
  const user = configure("containerdConfigPatches: ['x = 1']\n");
  const { containerdConfigPatches } = render({}, { user, setsRegistryHosts: true });
  assert.match(containerdConfigPatches?.[0] ?? "", /config_path = "\/etc\/containerd\/certs.d"/);
  assert.equal(containerdConfigPatches?.[1], "x = 1");
  assert.deepEqual(render({}, { user }).containerdConfigPatches, ["x = 1"]);
});

test("every node has the run's mount, and the resolv.conf if one was requested", () => {
  const rendered = render(
    { controlPlanes: 2, workers: 3, dns: { kind: "resolv-conf", path: "/ws/r" } },
    { mounts: [...ADDITIONS.mounts, { hostPath: "/ws/r", containerPath: RESOLV_CONF_MOUNT }], setsResolvConf: true },
  );
  assert.equal(rendered.nodes.length, 5);
  for (const node of rendered.nodes) {
    assert.deepEqual(
      node.extraMounts.map((mount) => [mount.hostPath, mount.containerPath]),
      [
        ["/run/owner", OWNER_MOUNT],
        ["/ws/r", RESOLV_CONF_MOUNT],
      ],
    );
  }
  const kubelet = rendered.kubeadmConfigPatches
    .map((patch) => parse(patch))
    .find((patch) => patch.kind === "KubeletConfiguration");
  assert.equal(kubelet.resolvConf, RESOLV_CONF_MOUNT);
});

test("the user's patches come after those of ours that they may override", () => {
  const user = configure("kubeadmConfigPatches:\n- |\n  kind: KubeletConfiguration\n  maxPods: 20\n");
  const patches = render({ dns: { kind: "docker-host" } }, { user, setsResolvConf: true }).kubeadmConfigPatches;
  const kubelets = patches.map((patch) => parse(patch)).filter((patch) => patch.kind === "KubeletConfiguration");
  assert.equal(kubelets.at(-1).maxPods, 20);
});

test("only `inherit` keeps the host's search domains", () => {
  assert.deepEqual(render({}).networking.dnsSearch, []);
  assert.ok(!("dnsSearch" in render({ dns: { kind: "inherit" } }).networking));
  assert.deepEqual(render({ dns: { kind: "docker-host" } }, { setsResolvConf: true }).networking.dnsSearch, []);
});
