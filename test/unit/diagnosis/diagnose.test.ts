import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnoseConnectivity, diagnose as diagnoseSymptoms } from "../../../src/diagnosis/diagnose.ts";
import type { Symptoms } from "../../../src/diagnosis/symptoms.ts";
import { runBounded } from "../bounded.ts";

const diagnose = (symptoms: Omit<Symptoms, "ports">, ports: Symptoms["ports"] = []) =>
  diagnoseSymptoms({ ...symptoms, ports });
const limitsOf = (watches: number | undefined, instances: number | undefined) => ({
  "fs.inotify.max_user_watches": watches,
  "fs.inotify.max_user_instances": instances,
});

const LOW = limitsOf(8192, 128);
const HIGH = limitsOf(524288, 512);

test("inotify exhaustion is recognised in the words of every program, and the fix names the inputs", () => {
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

test("a port that the user named stays in use, and one that was chosen may be free the next time", () => {
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

test("a name that was taken meanwhile and a configuration that kind refuses are recognised", () => {
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

test("what the cluster, Docker and the clocks refuse is recognised in the words of kubectl and kind, and not tried again", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'Error from server (InternalError): error when creating "m.json": Internal error occurred: failed calling webhook "slow.example.org": failed to call webhook: Post "https://172.18.0.1:4/?timeout=10s": context deadline exceeded',
      /admission webhook, slow\.example\.org, that/,
    ],
    ["Error response from daemon: all predefined address pools have been fully subnetted", /no subnet left/],
    [
      "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
      /no subnet left/,
    ],
    [
      "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-26T19:00:00Z is before 2026-11-26T19:55:00Z",
      /clock .* differ/,
    ],
  ];
  for (const [error, cause] of cases) {
    const found = diagnose({ error, words: error, limits: HIGH });
    assert.match(found?.cause ?? "", cause);
    assert.equal(found?.retryable, undefined);
  }
});

test("a node that ended is named with its exit code, unless words say why; what may pass is tried again", () => {
  const error = 'failed to init node with kubeadm: command "docker exec" failed with error: exit status 137';
  const ended = [{ name: "c-worker", exitCode: 137, outOfMemory: true }];
  const found = diagnose({ error, words: error, limits: HIGH, ended });
  assert.match(found?.cause ?? "", /c-worker \(exit code 137, SIGKILL, out of memory\)/);
  assert.equal(found?.retryable, true);
  const other = diagnose({
    error,
    words: error,
    limits: HIGH,
    ended: [{ ...ended[0], name: "c-worker", exitCode: 255, outOfMemory: false }],
  });
  assert.match(other?.cause ?? "", /c-worker \(exit code 255\)/);
  assert.match(diagnose({ error, words: "no space left on device", limits: HIGH, ended })?.cause ?? "", /disk/);
  assert.match(diagnose({ error, words: error, limits: HIGH })?.cause ?? "", /program in a node was killed/);
});

test("words that point to no cause name none", () => {
  for (const words of ["", "timed out waiting for the condition", "watch closed", "context deadline exceeded"]) {
    assert.equal(diagnose({ error: words, words, limits: LOW }), undefined, words);
  }
});

const probe = { name: "www.example.org", address: "192.0.2.1", port: 53 };

test("no internet from pods is either name resolution or a firewall", () => {
  const host = { address: true, name: true };
  const names = diagnoseConnectivity({ probe, host, address: true, name: false });
  assert.match(names?.cause ?? "", /name resolution/);
  assert.match(names?.fix ?? "", /dns:/);
  for (const name of [true, false]) {
    const firewall = diagnoseConnectivity({ probe, host, address: false, name });
    assert.match(firewall?.cause ?? "", /192\.0\.2\.1:53.*firewall.*not name resolution/);
  }
});

test("pods that reach the internet, and pods that could not be looked at, give no diagnosis", () => {
  const host = { address: false, name: false };
  assert.equal(diagnoseConnectivity({ probe, host, address: true, name: true }), undefined);
  assert.equal(
    diagnoseConnectivity({ probe, host: { address: true, name: true }, address: true, name: undefined }),
    undefined,
  );
  assert.equal(diagnoseConnectivity(undefined), undefined);
});

test("what this machine itself does not reach or resolve is not blamed on the cluster", () => {
  for (const [address, name] of [
    [true, false],
    [false, true],
    [false, false],
  ] as const) {
    assert.equal(diagnoseConnectivity({ probe, host: { address: false, name: false }, address, name }), undefined);
  }
});
