import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseNameServers } from "../../../src/cluster/name-servers.ts";
import { diagnoseInternet, diagnose as diagnoseSymptoms } from "../../../src/diagnosis/diagnose.ts";
import type { Symptoms } from "../../../src/diagnosis/symptoms.ts";
import { readImageStore } from "../../../src/docker/engine.ts";
import { readPullRefusal } from "../../../src/docker/images.ts";
import { findGroup } from "../../../src/host/cpu-weight.ts";
import { inputOf, planLimits } from "../../../src/host/inotify.ts";
import { readContainerdRoot } from "../../../src/host/inspect.ts";
import { networkArgs, readNetworkRefusal, ulaSubnet } from "../../../src/host/resolver.ts";
import { runBounded } from "../bounded.ts";

const diagnose = (symptoms: Omit<Symptoms, "ports">, ports: Symptoms["ports"] = []) =>
  diagnoseSymptoms({ ...symptoms, ports });
const limitsOf = (watches: number | undefined, instances: number | undefined) => ({
  "fs.inotify.max_user_watches": watches,
  "fs.inotify.max_user_instances": instances,
});
const wantedOf = (watches: number, instances: number) => ({
  "fs.inotify.max_user_watches": watches,
  "fs.inotify.max_user_instances": instances,
});

test("limits are raised to what is wanted", () => {
  assert.deepEqual(planLimits(limitsOf(8192, 128), wantedOf(524288, 512)), [
    { name: "fs.inotify.max_user_watches", from: 8192, to: 524288 },
    { name: "fs.inotify.max_user_instances", from: 128, to: 512 },
  ]);
});

test("limits are never lowered, left alone by 0, and not touched where the host hides them", () => {
  const value = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(value, value, fc.nat(), fc.nat(), (watches, instances, a, b) => {
      for (const { name, from, to } of planLimits(limitsOf(watches, instances), wantedOf(a, b))) {
        assert.ok(to > from && to !== 0);
        assert.equal(from, limitsOf(watches, instances)[name]);
        assert.equal(to, wantedOf(a, b)[name]);
      }
    }),
  );
  assert.deepEqual(planLimits(limitsOf(1, 1), wantedOf(0, 0)), []);
  assert.deepEqual(planLimits(limitsOf(undefined, undefined), wantedOf(524288, 512)), []);
  assert.deepEqual(planLimits(limitsOf(Number.NaN, 999), wantedOf(524288, 512)), []);
});

test("a limit's input has the name that action.yml gives it", () => {
  assert.equal(inputOf("fs.inotify.max_user_watches"), "inotify-max-user-watches");
  assert.equal(inputOf("fs.inotify.max_user_instances"), "inotify-max-user-instances");
});

const LOW = limitsOf(8192, 128);
const HIGH = limitsOf(524288, 512);

test("inotify exhaustion is recognised in everybody's words, and the fix names the inputs", () => {
  const words = [
    "Failed to create control group inotify object: Too many open files",
    "Failed to allocate manager object: Too many open files",
    "inotify_init: too many open files",
    'kubelet: "failed to create fsnotify watcher: too many open files"',
    "inotify_add_watch /sys/fs/cgroup: no space left on device",
    "Failed to add /run/systemd/ask-password to watch: No space left on device",
  ];
  for (const text of words) {
    const diagnosis = diagnose({ error: "", words: `noise\n${text}\nnoise`, limits: LOW });
    assert.match(diagnosis?.cause ?? "", /inotify.*max_user_instances is 128/, text);
    assert.match(diagnosis?.fix ?? "", /inotify-max-user-watches: 524288.*inotify-max-user-instances: 512/);
  }
});

test("only the limit that is low is named", () => {
  const diagnosis = diagnose({ error: "", words: "too many open files", limits: limitsOf(524288, 128) });
  assert.match(diagnosis?.fix ?? "", /inotify-max-user-instances: 512/);
  assert.doesNotMatch(`${diagnosis?.cause}${diagnosis?.fix}`, /max.user.watches/);
});

test("words about open files name no cause where the limits are as recommended or hidden", () => {
  for (const limits of [HIGH, limitsOf(undefined, undefined)]) {
    assert.equal(diagnose({ error: "", words: "too many open files", limits }), undefined);
  }
});

test("watches that ran out are not taken for a full disk", () => {
  const words = "failed to add inotify watch: no space left on device";
  assert.doesNotMatch(diagnose({ error: words, words, limits: HIGH })?.cause ?? "", /disk/i);
});

test("a port in use and a full disk are recognised, low limits or not", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["listen tcp 127.0.0.1:6443: bind: address already in use", /port/],
    ["Bind for 0.0.0.0:80 failed: port is already allocated", /port/],
    ["write /var/lib/docker/x: no space left on device", /disk/],
    ["disk quota exceeded", /disk/],
  ];
  for (const [words, cause] of cases) {
    for (const limits of [LOW, HIGH])
      assert.match(diagnose({ error: words, words, limits })?.cause ?? "", cause, words);
  }
});

test("a port that the user named is in use for good, and one that was chosen may be free the next time", () => {
  const named = [
    {
      address: "0.0.0.0",
      port: 8080,
      protocol: "tcp",
      source: "nodes.0.extraPortMappings.0.hostPort",
      addressWritten: false,
    },
  ] as const;
  const words = (port: number) => [
    `Error response from daemon: driver failed programming external connectivity: Bind for 127.0.0.1:${port} failed: port is already allocated.`,
    `listen tcp4 127.0.0.1:${port}: bind: address already in use`,
    `failed to bind host port for 0.0.0.0:${port}:172.18.0.2:8080/tcp: address already in use`,
    `failed to bind host port [::1]:${port}/tcp: address already in use`,
  ];
  for (const error of words(8080)) {
    const found = diagnose({ error, words: error, limits: HIGH }, named);
    assert.deepEqual(
      [found?.retryable, found?.cause.includes("extraPortMappings.0.hostPort: 8080")],
      [undefined, true],
      error,
    );
  }
  for (const error of words(45645)) {
    assert.equal(diagnose({ error, words: error, limits: HIGH }, named)?.retryable, true, error);
    assert.equal(diagnose({ error, words: error, limits: HIGH })?.retryable, true, error);
  }
});

test("a port is read after an address of any spelling", () => {
  const named = [{ address: "::", port: 8080, protocol: "tcp", source: "a", addressWritten: true }] as const;
  for (const where of ["0.0.0.0:8080", ":::8080", "::1:8080", "[::]:8080", "fd00:10::1:8080", "[fd00::1]:8080/tcp"]) {
    const error = `Error: Bind for ${where} failed: port is already allocated`;
    assert.match(diagnose({ error, words: "", limits: HIGH }, named)?.cause ?? "", /: a: 8080\./, where);
  }
  const other = "failed to bind host port 0.0.0.0:80:172.18.0.2:8080/tcp: address already in use";
  assert.equal(diagnose({ error: other, words: "", limits: HIGH }, named)?.retryable, true);
});

for (const piece of [":", "::", "1:", "1.", "[:", "[", "f:: ", "::f.", "1.1.1.1:"]) {
  test(`a line of 20,000 times ${JSON.stringify(piece)} is searched for a port in seconds`, async () => {
    const path = JSON.stringify(import.meta.resolve("../../../src/diagnosis/diagnose.ts"));
    const error = `${JSON.stringify(piece)}.repeat(20_000) + " address already in use"`;
    const symptoms = `{ error: ${error}, words: "", limits: {}, ports: [] }`;
    const found = await runBounded(
      `import { diagnose } from ${path}; console.log(diagnose(${symptoms})?.retryable ?? "named");`,
    );
    assert.equal(found, "true\n");
  });
}

test("only kind's own words speak of a port that the cluster publishes", () => {
  const words = "kube-scheduler: listen tcp4 0.0.0.0:10259: bind: address already in use";
  assert.equal(diagnose({ error: "kind failed", words, limits: HIGH }), undefined);
});

test("a name that was taken meanwhile and a configuration that kind refuses are told apart", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['ERROR: node(s) already exist for a cluster with the name "x"', /created a cluster of this name/],
    [
      'The container name "/x-control-plane" is already in use by container',
      /container with the name of a node, x-control-plane,/,
    ],
    ["ERROR: failed to create cluster: unable to decode config: yaml: unmarshal errors", /does not accept/],
  ];
  for (const [error, cause] of cases) assert.match(diagnose({ error, words: error, limits: HIGH })?.cause ?? "", cause);
});

test("words that point to no cause name none", () => {
  for (const words of ["", "timed out waiting for the condition", "watch closed", "context deadline exceeded"]) {
    assert.equal(diagnose({ error: words, words, limits: LOW }), undefined, words);
  }
});

const probe = { name: "www.example.org", address: "192.0.2.1", port: 53 };

test("no internet from pods is told apart as names or firewall", () => {
  const host = { address: true, name: true };
  const names = diagnoseInternet({ reach: { probe, host, address: true, name: false } });
  assert.match(names?.cause ?? "", /name resolution/);
  assert.match(names?.fix ?? "", /dns:/);
  for (const name of [true, false]) {
    const firewall = diagnoseInternet({ reach: { probe, host, address: false, name } });
    assert.match(firewall?.cause ?? "", /192\.0\.2\.1:53.*firewall.*not name resolution/);
  }
});

test("pods that reach the internet, and pods that could not be looked at, give no diagnosis", () => {
  const host = { address: false, name: false };
  assert.equal(diagnoseInternet({ reach: { probe, host, address: true, name: true } }), undefined);
  assert.equal(
    diagnoseInternet({ reach: { probe, host: { address: true, name: true }, address: true, name: undefined } }),
    undefined,
  );
  assert.equal(diagnoseInternet({ reach: undefined }), undefined);
});

test("what this machine does not reach or resolve either is not blamed on the cluster", () => {
  for (const [address, name] of [
    [true, false],
    [false, true],
    [false, false],
  ] as const) {
    assert.equal(
      diagnoseInternet({ reach: { probe, host: { address: false, name: false }, address, name } }),
      undefined,
    );
  }
});

test("the name servers of a resolv.conf are its IPv4 ones, as the resolver reads them", () => {
  const text = [
    "# nameserver 192.0.2.1",
    ";nameserver 192.0.2.2",
    "search example.org",
    "nameserver 192.0.2.53",
    "\tnameserver\t192.0.2.54  \r",
    "nameserver 192.0.2.55 # the second site's",
    "nameserver fd00::53",
    "nameserver 999.0.0.1",
    "nameserver192.0.2.3",
    "options nameserver 192.0.2.4",
    "nameserver",
    "192.0.2.5",
  ].join("\n");
  assert.deepEqual(parseNameServers(text), ["192.0.2.53", "192.0.2.54", "192.0.2.55"]);
});

test("kind's network is asked for as kind asks: the default bridge's MTU, a subnet by the name's hash", () => {
  assert.equal(ulaSubnet("kind", 0), "fc00:f853:ccd:e793::/64");
  assert.equal(ulaSubnet("kind", 1), "fc00:8866:27d0:bd7e::/64");
  const masquerade = "--opt=com.docker.network.bridge.enable_ip_masquerade=true";
  assert.deepEqual(networkArgs(1450, ulaSubnet("kind", 0)), [
    ...["network", "create", "--driver=bridge", masquerade, "--opt=com.docker.network.driver.mtu=1450"],
    ...["--ipv6", "--subnet=fc00:f853:ccd:e793::/64", "kind"],
  ]);
  assert.deepEqual(networkArgs(undefined, undefined), ["network", "create", "--driver=bridge", masquerade, "kind"]);
});

test("a network that is refused for want of IPv6, for its subnet or for its name is told apart from any other refusal", () => {
  const error = "Error response from daemon: ";
  for (const [words, meaning] of [
    ["network with name kind already exists", "made"],
    ["Pool overlaps with other one on this address space", "overlap"],
    ["invalid pool request: Pool overlaps with other one on this address space", "overlap"],
    ["cannot create network x: conflicts with network y: networks have overlapping IPv6", "overlap"],
    ["Cannot read IPv6 setup for bridge br-1: open /proc/sys/net/ipv6: no such file", "no-ipv6"],
    ["Failed to Setup IP tables: Unable to enable NAT rule:  (iptables failed: ip6tables --wait -t nat", "no-ipv6"],
    ["all predefined address pools have been fully subnetted", undefined],
  ] as const) {
    assert.equal(readNetworkRefusal(`${error}${words}`), meaning, words);
  }
});

test("a registry's last word is told apart from what may pass", () => {
  const limit =
    "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit";
  for (const [image, words, refusal] of [
    ["kindest/node:v1.28.15", `Error response from daemon: ${limit}`, "limit"],
    ["ubuntu", "toomanyrequests: Too Many Requests.", "limit"],
    ["docker.io/library/ubuntu:24.04", limit, "limit"],
    ["mirror.example:5000/kindest/node:v1", limit, "limit"],
    ["public.ecr.aws/x/y:1", "toomanyrequests: Rate exceeded", "busy"],
    ["quay.io/x/y:1", "received unexpected HTTP status: 429 Too Many Requests", "busy"],
    ["kindest/node:v9", "manifest for kindest/node:v9 not found: manifest unknown: manifest unknown", "no"],
    ["a/b", "pull access denied for a/b, repository does not exist or may require 'docker login': denied", "no"],
    ["ghcr.io/a/b", 'Head "https://ghcr.io/v2/a/b/manifests/latest": unauthorized', "no"],
    ["r.example/a", 'Get "https://r.example/v2/a/manifests/latest": no basic auth credentials', "no"],
    ["a/b", "no matching manifest for linux/arm64/v8 in the manifest list entries", "no"],
    ["a/b", "dial tcp: lookup registry-1.docker.io: no such host", "network"],
    ["a/b", "net/http: TLS handshake timeout", "network"],
    ["a/b", "received unexpected HTTP status: 503 Service Unavailable", "network"],
  ] as const) {
    assert.equal(readPullRefusal(image, words), refusal, words);
  }
});

test("where an engine's images lie: Docker's folder, or the data of a containerd that is not its own", () => {
  const DriverStatus = [["driver-type", "io.containerd.snapshotter.v1"]];
  const at = (Address: string) => ({ DriverStatus, Containerd: { Address } });
  assert.equal(readImageStore({ DriverStatus: [["Backing Filesystem", "extfs"]] }), undefined);
  assert.equal(readImageStore({ DriverStatus: null }), undefined);
  assert.equal(readImageStore({ DriverStatus }), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/run/containerd/containerd.sock")), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/var/run/docker/containerd/containerd.sock")), "");
  for (const [configuration, root] of [
    ["", "/var/lib/containerd"],
    ['#root = "/x"\nversion = 3\n[grpc]\nroot = "/y"\n', "/var/lib/containerd"],
    ["version = 2\nroot = '/mnt/containerd'\n[grpc]\n", "/mnt/containerd"],
  ] as const) {
    assert.equal(readContainerdRoot(configuration), root, configuration);
  }
});

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
