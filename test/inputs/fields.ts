import { ADDRESS, FLAG, PORT, type Scalars, SUBNET, TEXT, words } from "./scalars.ts";

/** The shape of a kind configuration, with values for each field. */
export type Shape =
  | { readonly kind: "scalar"; readonly values: Scalars }
  | { readonly kind: "map"; readonly keys: Scalars; readonly values: Scalars }
  | { readonly kind: "list"; readonly item: Shape; readonly most: number }
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, Shape>>; readonly always?: readonly string[] };

const scalar = (values: Scalars): Shape => ({ kind: "scalar", values });
const list = (item: Shape, most = 2): Shape => ({ kind: "list", item, most });

const MERGE_PATCH = words(
  [
    "kind: ClusterConfiguration\napiServer:\n  extraArgs:\n    v: '4'\n",
    "kind: InitConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n    node-labels: 'a=b'\n",
    "kind: KubeletConfiguration\nmaxPods: 50\n---\nkind: KubeProxyConfiguration\nmode: ipvs\n",
    '{"kind": "ClusterConfiguration"}',
    "kind: JoinConfiguration\napiVersion: kubeadm.k8s.io/v1beta3\n",
    "kind: Other\na: [1, 2]\n",
  ],
  [
    ...[
      "kind: [",
      "- a\n- b\n",
      "text",
      "kind: A\nkind: B\n",
      "a: *b\n",
      "\tkind: A",
      "kind: A\n--- x\nkind: B",
      "---\n",
      "---",
    ],
    ...[
      "kind: 5\n",
      "apiVersion: {}\nkind: A",
      "kind: A\na: &x [*x]\n",
      "<<: a\nkind: A\n",
      "1: 2\nkind: A\n",
      "kind: A\n...\nkind: B\n",
    ],
    ...[
      "kind: A\nb: 0x1F\nc: .nan\n",
      "? [a]\n: b\nkind: A\n",
      "kind: A # \u0007",
      "%YAML 1.1\n---\nkind: A\n",
      "null",
      "kind: A\n---\n- b\n",
    ],
  ],
);

const OPERATIONS = words(
  [
    "- op: add\n  path: /apiServer/extraArgs/v\n  value: '4'\n",
    '[{"op": "remove", "path": "/networking"}]',
    "- {op: test, path: /kind, value: ClusterConfiguration}\n",
  ],
  [
    ...[
      "op: add\n",
      "- op: add\n",
      "- a\n",
      "[]",
      "- {op: jump, path: /a}\n",
      "- {op: replace, path: /none, value: 1}\n",
      "- op: add\n  path: 5\n",
    ],
    ...[
      "[{",
      "- {op: copy, from: /a, path: /b}\n",
      "- {op: add, path: a, value: 1}\n",
      "- [op]\n",
      "- {op: remove, path: /a, from: 5}\n",
      "5",
    ],
    ...["- {op: [add], path: /a}\n", "- {op: ADD, path: /a, value: 1}\n", "- null\n", "{}"],
  ],
);

const TOML = words(
  ['[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "a:1"\n', "version = 2\n", "a = 1\n"],
  ["[plugins", "a = ", "a: b\n", "a = 1\na = 2\n", "[a]\n[a]\n", "version = 3\n", "version = 'x'\n"],
);

const JSON_PATCH: Shape = {
  kind: "object",
  fields: {
    group: scalar(words(["kubeadm.k8s.io", "kubelet.config.k8s.io"], ["x"])),
    version: scalar(words(["v1beta3", "v1beta1"], ["1"])),
    kind: scalar(words(["ClusterConfiguration", "KubeletConfiguration"], ["Other"])),
    patch: scalar(OPERATIONS),
  },
};

const MOUNT: Shape = {
  kind: "object",
  always: ["hostPath", "containerPath"],
  fields: {
    hostPath: scalar(
      words(
        ["/tmp", "/tmp/made/", "."],
        ["/none/at/all", "~/x", "$HOME", `\${HOME}/x`, "a:b", "/etc/hostname/x", "../"],
      ),
    ),
    containerPath: scalar(words(["/data", "/a/b"], ["relative", "/", "//", "/a:b", "/a:ro", "/a/../..", "."])),
    readOnly: scalar(FLAG),
    selinuxRelabel: scalar(FLAG),
    propagation: scalar(words(["None", "HostToContainer", "Bidirectional"], ["none", "Both", "rshared"])),
  },
};

const PORT_MAPPING: Shape = {
  kind: "object",
  always: ["containerPort"],
  fields: {
    containerPort: scalar(PORT),
    hostPort: scalar(PORT),
    listenAddress: scalar(ADDRESS),
    protocol: scalar(words(["TCP", "udp", "SCTP", "Tcp"], ["HTTP", "TCP/IP", "T"])),
  },
};

const NODE: Shape = {
  kind: "object",
  always: ["role"],
  fields: {
    role: scalar(words(["control-plane", "worker"], ["master", "Worker", "control_plane", "external-load-balancer"])),
    image: scalar(
      words(["kindest/node:v1.28.15"], ["kindest/node", "a b", "--help", "KIND:1", "a:1@sha256:12", "x/y:latest"]),
    ),
    labels: {
      kind: "map",
      keys: words(
        ["tier", "example.com/disk", "a.b"],
        ["node-role.kubernetes.io/worker", "kubernetes.io/foo", "a:b", "a b", "/a", "a/b/c", "_a"],
      ),
      values: TEXT,
    },
    extraMounts: list(MOUNT),
    extraPortMappings: list(PORT_MAPPING),
    kubeadmConfigPatches: list(scalar(MERGE_PATCH)),
    kubeadmConfigPatchesJSON6902: list(JSON_PATCH),
  },
};

const NETWORKING: Shape = {
  kind: "object",
  fields: {
    ipFamily: scalar(words(["ipv4"], ["ipv6", "dual", "IPv4", "ipv5"])),
    apiServerPort: scalar(PORT),
    apiServerAddress: scalar(ADDRESS),
    podSubnet: scalar(SUBNET),
    serviceSubnet: scalar(SUBNET),
    disableDefaultCNI: scalar(FLAG),
    kubeProxyMode: scalar(words(["iptables", "ipvs", "none", "nftables"], ["IPVS", "userspace", "ebpf"])),
    dnsSearch: list(scalar(words(["a.example", "b.example"], ["a b", "."]))),
  },
};

/** kind's v1alpha4. */
export const CLUSTER: Shape = {
  kind: "object",
  always: ["kind", "apiVersion"],
  fields: {
    kind: scalar(words(["Cluster"], ["cluster", "Config"])),
    apiVersion: scalar(
      words(["kind.x-k8s.io/v1alpha4"], ["kind.x-k8s.io/v1alpha3", "kind.sigs.k8s.io/v1alpha3", "v1", "v1alpha4"]),
    ),
    name: scalar(words(["ci", "ci-1.28", "0"], ["CI", "-a", "a-", "a..b", ".a", "a.", "a_b", "x".repeat(70), "a-.b"])),
    nodes: list(NODE, 4),
    networking: NETWORKING,
    featureGates: { kind: "map", keys: words(["AllAlpha", "CSIMigration"], ['a"b', "a\\b", "a b"]), values: FLAG },
    runtimeConfig: {
      kind: "map",
      keys: words(["api/alpha", "api/all"], ['a"b', "x,y"]),
      values: words(["true", "false"], ['"']),
    },
    kubeadmConfigPatches: list(scalar(MERGE_PATCH)),
    kubeadmConfigPatchesJSON6902: list(JSON_PATCH),
    containerdConfigPatches: list(scalar(TOML)),
    containerdConfigPatchesJSON6902: list(
      scalar(words(['[{"op":"add","path":"/a","value":1}]'], ["- op: add\n", "[", "{}"])),
    ),
  },
};
