import type { Choices } from "./random.ts";

/** Values of an input that are right or wrong wherever they stand. */
interface InputValues {
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
}

/** A value, and what is to come of it; `any`: what it is depends on the machine or on what else there is. */
export interface InputValue {
  readonly text: string;
  readonly expected: "valid" | "invalid" | "any";
}

const FLAG: InputValues = { valid: ["true", "false", "True", "FALSE", " true "], invalid: ["yes", "1", "on", "tru"] };
const PATH_OUT = ["../outside", "/etc/passwd", "a/../../b"];
const NO_FILE = ["missing.yaml", ...PATH_OUT];
const URL: InputValues = {
  valid: ["https://mirror.example", "http://127.0.0.1:8080/dl/", "https://mirror.example/a/b"],
  invalid: [
    "mirror.example",
    "ftp://mirror.example",
    "https://u:p@mirror.example",
    "https://m.example/?a=b",
    "https://",
  ],
};
const DURATION = ["5", "5 m", "-5m", "5x", "1e3s", "five"];

/** Every input with values of it; those that only make sense with another one are right only as `any`. */
export const INPUTS: Readonly<Record<string, InputValues>> = {
  "cluster-name": {
    valid: ["ci", "ci-1.28", "a", "9lives"],
    invalid: ["CI", "-a", "a..b", "a b", "a_b", "ä", "a/b", "x".repeat(64)],
  },
  "kubernetes-version": {
    valid: ["latest", "v1.28", "1.28"],
    invalid: ["abc", "1", "1.28.x", "01.28"],
  },
  "kind-version": { valid: ["auto"], invalid: ["abc", "v", "0.25.0.1", "-1"] },
  "kubectl-version": { valid: ["auto"], invalid: ["abc", "2", "v1", "latest "] },
  "node-image": {
    valid: [],
    invalid: ["kindest/node", "--help", "a b:1", "kindest/node:", "kindest/Node:v1.28.0", "a:1@sha256:12"],
  },
  "kind-config": { valid: [], invalid: NO_FILE },
  "cni-manifests": { valid: [], invalid: NO_FILE },
  "control-planes": { valid: ["1", "3", "9"], invalid: ["0", "10", "-1", "1.0", "one", "1e0", "0x1"] },
  workers: { valid: ["0", "1", "50"], invalid: ["51", "-1", "1.5", "two", "+1", "1_0"] },
  wait: { valid: ["0s", "5m", "1h30m", "0", "90.5s"], invalid: [...DURATION, "7h"] },
  attempts: { valid: ["1", "5"], invalid: ["0", "6", "many", "1.0"] },
  existing: { valid: ["fail", "replace"], invalid: ["Fail", "keep", "replace,fail"] },
  dns: { valid: ["no-search-domains", "inherit", "docker-host"], invalid: ["missing.conf", ...PATH_OUT] },
  "api-server-address": {
    valid: ["127.0.0.1", "0.0.0.0"],
    invalid: ["localhost", "127.0.0.1:80", "256.1.1.1", "203.0.113.7", "fe80::1%lo"],
  },
  "extra-sans": {
    valid: ["docker.example", "a.example, 10.0.0.1\n*.b.example", "::1"],
    invalid: ["https://a", "a:80", "a b", "a_b", "10.0.0.0/8"],
  },
  liqo: FLAG,
  "load-images": {
    valid: ["alpine:3.20", "a:1, b.example/c:2"],
    invalid: ["alpine", "missing.tar", "a.tar.gz", "a@sha256:12", "../a.tar"],
  },
  registry: FLAG,
  "registry-port": { valid: [], invalid: ["0", "65536", "http", "-5"] },
  "registry-mirrors": {
    valid: ["docker.io=https://mirror.example"],
    invalid: ["docker.io", "=https://a", "docker.io=mirror", "a b=https://c", "index.docker.io=https://m.example"],
  },
  "pull-credentials": { valid: [], invalid: NO_FILE },
  "load-balancer": FLAG,
  "inotify-max-user-watches": { valid: ["0", "524288"], invalid: ["-1", "2147483648", "many"] },
  "inotify-max-user-instances": { valid: ["0", "512"], invalid: ["-1", "1.5", "0x10"] },
  user: { valid: ["torch", "a.b-c"], invalid: ["Torch", "a b", "-a", "a/b", "x".repeat(64), "system:admin"] },
  groups: { valid: ["a", "a, b\nc", "dev:team"], invalid: ["system:masters", "a b", "ä", "x".repeat(65)] },
  rbac: { valid: ["torch", "cluster-admin", "none"], invalid: ["admin", "Torch", "cluster_admin"] },
  "rbac-manifests": { valid: [], invalid: NO_FILE },
  "certificate-lifetime": { valid: ["10m", "24h", "8760h"], invalid: [...DURATION, "9m", "8761h", "0"] },
  "key-algorithm": { valid: ["rsa-2048", "ecdsa-p256"], invalid: ["rsa", "rsa-1024", "RSA-2048", "ed25519"] },
  "client-key": { valid: [], invalid: NO_FILE },
  "credentials-directory": { valid: ["credentials", "a/b/c"], invalid: PATH_OUT },
  artifact: FLAG,
  "artifact-name": { valid: ["credentials", "a b.c"], invalid: ["a/b", 'a"b', "a:b", "x".repeat(201), "a*"] },
  "artifact-retention-days": { valid: ["1", "400"], invalid: ["0", "401", "all"] },
  "artifact-passphrase": { valid: [], invalid: ["short", "1234567"] },
  cleanup: FLAG,
  logs: { valid: ["on-failure", "always", "never"], invalid: ["On-failure", "sometimes", "true"] },
  "internet-probe": {
    valid: ["a.example 8.8.8.8:53", "a.example,1.1.1.1:443"],
    invalid: ["a.example", "8.8.8.8:53", "a.example 8.8.8.8", "a.example 8.8.8.8:0", "a b 1.1.1.1:1"],
  },
  torch: {
    valid: ["https://git.example/torch_v2.git", "git@git.example:a/b", "ssh://git.example/a"],
    invalid: ["ftp://git.example/a", "https://u:p@git.example/a", "file:///etc", "https:git.example/a", ...PATH_OUT],
  },
  "torch-ref": { valid: [], invalid: ["--upload-pack=x", "a..b", "-b", "a b", "a:b"] },
  "torch-example": { valid: ["simple-server-and-georef", "x.y"], invalid: ["a/b", "..", "-x", "a b"] },
  "torch-endpoint": { valid: ["internal", "external"], invalid: ["Internal", "both", "10.0.0.1"] },
  "torch-wait": { valid: ["10s", "6h"], invalid: [...DURATION, "9s", "7h"] },
  "torch-connectors": { valid: [], invalid: ["101", "-1", "six"] },
  "torch-csar": { valid: [], invalid: PATH_OUT },
  "torch-clusters": { valid: [], invalid: PATH_OUT },
  "torch-dashboard-folder": { valid: [], invalid: PATH_OUT.slice(1) },
  "torch-engine-folder": { valid: [], invalid: PATH_OUT.slice(1) },
  "torch-services-folder": { valid: [], invalid: PATH_OUT.slice(1) },
  "torch-example-folder": { valid: [], invalid: PATH_OUT.slice(1) },
  "torch-bpmn-plans": { valid: [], invalid: PATH_OUT.slice(1) },
  "torch-credentials-mount": { valid: [], invalid: ["relative", "/a:b", "/a b", "/"] },
  "torch-package-cache": { valid: [], invalid: PATH_OUT },
  catalog: { valid: [], invalid: NO_FILE },
  "kind-mirror": URL,
  "kubectl-mirror": URL,
  // Where it is true and all is right, there is nothing that stops the step.
  "install-only": { valid: ["false"], invalid: ["yes", "1", "only"] },
};

/** Values that are right or wrong with what else there is, or on this machine. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  "node-image": ["kindest/node:v1.28.15", "kindest/node:v1.10.0", "registry.example:5000/node:latest", "a:1"],
  "kubernetes-version": ["1.99", "1.3", "1.28.999", "1.28.15", "v1.31"],
  "kubectl-version": ["1.99", "1.27", "1.29", "1.28.15", "1.34"],
  "kind-version": ["0.1.0", "latest", "0.25.0", "0.20", "v0.31.0"],
  "api-server-address": ["::1", "::", "::ffff:127.0.0.1", "127.0.0.2"],
  "registry-port": ["5001", "1", "65535"],
  "artifact-passphrase": ["long enough"],
  "torch-ref": ["main", "v1.0", "a/b"],
  "torch-connectors": ["0", "100"],
  "torch-csar": ["a.csar"],
  "torch-dashboard-folder": ["dashboard"],
  "torch-bpmn-plans": ["plans.zip"],
  "torch-credentials-mount": ["/usr/app"],
  cluster_name: ["a"],
  version: ["v0.20.0"],
  config: ["kind.yaml"],
  clustername: ["a"],
};

/** What texts are hard on: parsers, terminals, shells, the runner's commands, YAML, paths, and JavaScript's own names. */
const HOSTILE: readonly string[] = [
  "\n::warning::planted",
  "a\r::warning::planted",
  "##[warning]planted",
  "%0A::warning::planted",
  "$(touch planted)`touch planted`; touch planted",
  `\${{ secrets.A }}`,
  "../../../../../../etc/passwd",
  "/proc/self/environ",
  "/dev/stdin",
  ".",
  "..",
  "~",
  "\u001b[31mred\u001b[0m\u0007",
  "\u202egnp.exe",
  "\u0085\u2028\u2029",
  "\ud800",
  "😀".repeat(40),
  "a".repeat(20_000),
  "a,".repeat(4_000),
  "[".repeat(500),
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "NaN",
  "-0",
  "1e999",
  "0x7fffffffffffffff",
  "9".repeat(400),
  "*",
  "&a",
  "!!js/function",
  "--help",
  "-",
  "'\"\\",
  "a: b",
  "{",
  "{}",
  "- a",
  "%s%n%d",
  "\t",
];

/** A value for an input. @param right whether one is wanted that is right by itself, where there is one. */
export function chooseValue(name: string, choices: Choices, right: boolean): InputValue {
  const { valid, invalid } = INPUTS[name] ?? { valid: [], invalid: [] };
  if (right && valid.length > 0) return { text: choices.pick(valid), expected: "valid" };
  const others = [...(OTHERS[name] ?? []), ""];
  const kind = choices.below(10);
  if (kind < 4 && valid.length > 0) return { text: choices.pick(valid), expected: "valid" };
  if (kind < 7 && invalid.length > 0) return { text: choices.pick(invalid), expected: "invalid" };
  return { text: choices.pick(kind < 9 ? HOSTILE : others), expected: "any" };
}

/** The names of inputs that a set may have, and of some that this Action does not have. */
export const NAMES: readonly string[] = [...new Set([...Object.keys(INPUTS), ...Object.keys(OTHERS)])];
