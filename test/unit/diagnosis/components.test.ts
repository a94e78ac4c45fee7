import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type ComponentEnd,
  findContainerdFault,
  findErrorLine,
  findFailedComponent,
  findInConfiguration,
  findKubeletEnds,
  parseContainers,
} from "../../../src/diagnosis/components.ts";

const FAILED = (error: string) => `E1126 03:31:29.695244     319 run.go:74] "command failed" err="${error}"`;

describe("a component that cannot come up", () => {
  it("is a kubelet that ends again and again with one error", () => {
    const gate = 'failed to set feature gates from initial flags-based config: unrecognized feature gate: \\"X\\"';
    const exited = "kubelet.service: Main process exited, code=exited, status=1/FAILURE";
    const journal = Array.from({ length: 6 }, () => `I1126 starts\n${FAILED(gate)}\n${exited}`).join("\n");
    const found = findKubeletEnds(journal);
    assert.deepEqual(found, { ends: 6, words: gate.replaceAll('\\"', '"') });
    assert.equal(
      findFailedComponent([{ component: "kubelet", node: "n", ends: found?.ends ?? 0, words: found?.words ?? "" }])
        ?.ends,
      6,
    );
    assert.equal(findKubeletEnds('I1126 all is well\nE1126 03:31:29.6  1 a.go:1] "will retry" err="x"\n'), undefined);
    const several = `E1126 03:51:30.472361     541 run.go:74] "command failed" err=<\n\tunknown labels: [a/b]\n\tuse others\n >\n${exited}`;
    assert.equal(findKubeletEnds(several)?.words, "unknown labels: [a/b] use others");
    const other = `E1126 03:51:30.4  1 kubelet.go:1542] "Failed to start ContainerManager" err="invalid Node Allocatable configuration"\n${exited}`;
    assert.equal(
      findKubeletEnds(other)?.words,
      "Failed to start ContainerManager: invalid Node Allocatable configuration",
    );
  });

  it("is a containerd whose plugin did not load", () => {
    const line =
      'time="2026-11-26T03:31:12Z" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="invalid plugin config: `mirrors` cannot be set when `config_path` is provided"';
    assert.match(findContainerdFault(`x\n${line}\n`) ?? "", /mirrors. cannot be set/);
    const skipped =
      'msg="failed to load plugin io.containerd.snapshotter.v1.btrfs" error="path must be btrfs: skip plugin"';
    assert.equal(findContainerdFault(skipped), undefined);
  });

  it("is not one that waits for another: a slow machine's words", () => {
    const waiting = [
      "failed to run Kubelet: validate service connection: dial unix /run/containerd/containerd.sock: connect: no such file or directory",
      "Error: context deadline exceeded",
      'failed to wait for apiserver being healthy: timed out waiting for the condition: failed to get apiserver /healthz status: Get "https://172.18.0.2:6443/healthz": dial tcp 172.18.0.2:6443: connect: connection refused',
      "leaderelection lost",
      "etcdserver: leader changed",
      "rpc error: code = Unavailable desc = transport is closing",
    ];
    const ends = (words: string): ComponentEnd => ({ component: "kube-apiserver", node: "n", ends: 9, words });
    for (const words of waiting) assert.equal(findFailedComponent([ends(words)]), undefined, words);
    assert.equal(findFailedComponent([{ ...ends("open /x: no such file or directory"), ends: 1 }]), undefined);
    assert.ok(findFailedComponent([...waiting.map(ends), ends("open /x: no such file or directory")]));
  });

  it("is explained by the line that says why, without the logger's head", () => {
    assert.equal(
      findErrorLine(
        'I1126 starting\nE1126 03:31:29.6  1 run.go:74] "command failed" err="stat /nowhere: no such file"\nbye\n',
      ),
      "stat /nowhere: no such file",
    );
    assert.equal(findErrorLine("Error: unknown flag: --bogus\n"), "Error: unknown flag: --bogus");
    assert.equal(findErrorLine(""), "");
  });

  it("is found in the configuration by the longest word that is there", () => {
    const configuration =
      "kind: Cluster\nfeatureGates:\n  Removed: true\nnodes:\n- role: control-plane\n  audit: /etc/none.yaml\n";
    assert.deepEqual(findInConfiguration("open /etc/none.yaml: no such file", configuration), {
      line: 6,
      text: "audit: /etc/none.yaml",
    });
    assert.deepEqual(findInConfiguration('unrecognized feature gate: "Removed"', configuration)?.line, 3);
    assert.equal(findInConfiguration("something else", configuration), undefined);
  });

  it("is only a control plane's container, by the numbers and ends of its logs", () => {
    const log = (text: string) => `${Buffer.from(text).toString("base64")}.`;
    const ended =
      'T1 stderr F I1126 a.go:1] starts\nT2 stderr F E1126 03:31:29.6   1 run.go:74] "command failed" err="open /x: no such file"\n';
    const output = [
      `kube-apiserver 2 ${log(ended)} ${log(ended)}`,
      `etcd 0 . ${log('T stderr F {"level":"info"}')}`,
      `app 3 ${log("x")} ${log("y")}`,
      "noise",
    ].join("\n");
    assert.deepEqual(parseContainers(output), [
      { name: "kube-apiserver", attempt: 2, ended: "open /x: no such file", current: "open /x: no such file" },
      { name: "etcd", attempt: 0, ended: "", current: '{"level":"info"}' },
    ]);
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseContainers(text))));
  });
});
