import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseNameServers } from "../../src/cluster/dns.ts";
import { diagnose, diagnoseInternet } from "../../src/diagnosis/diagnose.ts";
import { inputOf, planLimits } from "../../src/host/limits.ts";

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

test("inotify exhaustion is recognised in everybody's words, and the cure names the inputs", () => {
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
    assert.match(diagnosis?.cure ?? "", /inotify-max-user-watches: 524288.*inotify-max-user-instances: 512/);
  }
});

test("only the limit that is low is named", () => {
  const diagnosis = diagnose({ error: "", words: "too many open files", limits: limitsOf(524288, 128) });
  assert.match(diagnosis?.cure ?? "", /inotify-max-user-instances: 512/);
  assert.doesNotMatch(`${diagnosis?.cause}${diagnosis?.cure}`, /max.user.watches/);
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

test("only kind's own words speak of a port that the cluster publishes", () => {
  const words = "kube-scheduler: listen tcp4 0.0.0.0:10259: bind: address already in use";
  assert.equal(diagnose({ error: "kind failed", words, limits: HIGH }), undefined);
});

test("a name that was taken meanwhile and a configuration that kind refuses are told apart", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['ERROR: node(s) already exist for a cluster with the name "x"', /made a cluster of this name/],
    ['The container name "/x-control-plane" is already in use by container', /made a cluster of this name/],
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
  assert.match(names?.cure ?? "", /dns:/);
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
