import type { InputSet } from "./plan.ts";

const HEAD = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

function configured(name: string, text: string): InputSet {
  return { name, inputs: {}, configuration: { text, place: "file", encoding: "utf8" }, latest: false };
}

/** Sets that did not end as promised when they were first tried. */
export const FOUND: readonly InputSet[] = [
  configured(
    "lines that a carriage return ends: refused as invalid YAML",
    `${HEAD}nodes:\n- role: control-plane\n`.replaceAll("\n", "\r"),
  ),
  configured(
    "a patch of containerd's that is not JSON: accepted, and kind failed when the nodes ran",
    `${HEAD}containerdConfigPatchesJSON6902:\n- it's\n`,
  ),
  configured(
    "a patch of containerd's that is not a list: accepted, and kind failed when the nodes ran",
    `${HEAD}containerdConfigPatchesJSON6902:\n- '{}'\n`,
  ),
  configured(
    "a patch with a directive that YAML does not have: accepted, and kind failed when the nodes ran",
    `${HEAD}kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: '%a'}\n`,
  ),
  configured(
    "a key with a tag that it does not have the type of: accepted, and kind failed to decode it",
    `${HEAD}nodes:\n- role: worker\n  labels: {!!int a: b}\n`,
  ),
  configured(
    "a tab alone in a line behind a flow collection: not known as what kind takes from us alone",
    `${HEAD}runtimeConfig: {}\n\t\n`,
  ),
  configured(
    "a tab alone in a line of a patch: accepted, and kind failed when the nodes ran",
    `${HEAD}kubeadmConfigPatches: ["kind: ClusterConfiguration\\nscheduler: {}\\n\\t\\n"]\n`,
  ),
  configured(
    "a key of a patch that is a list: accepted, and kind failed when the nodes ran",
    `${HEAD}kubeadmConfigPatches: ["? [a]\\n: b\\nkind: A\\n"]\n`,
  ),
  configured("a key of a patch that is empty: the same", `${HEAD}kubeadmConfigPatches: ["~: b\\nkind: A\\n"]\n`),
  configured(
    "a control character in a comment of a patch: the same",
    `${HEAD}kubeadmConfigPatches: ["kind: A # \\u0007"]\n`,
  ),
  configured("an empty key: refused, and the documentation did not say so", `${HEAD}runtimeConfig: {Null: "false"}\n`),
  configured(
    "a second mapping behind the end of the document: the same",
    `${"{kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4}\n".repeat(2)}`,
  ),
  configured("a second byte order mark: accepted, and kind took it for a part of the first key", `\ufeff\ufeff${HEAD}`),
  configured(
    "a hundred lists in each other behind the end of the document: refused, and the documentation did not say so",
    `{"kind":"Cluster","apiVersion":"kind.x-k8s.io/v1alpha4"}\na: ${"[".repeat(100)}${"]".repeat(100)}\n`,
  ),
  configured(
    "a tag with a comma behind it: accepted, and kind took the comma for a part of it",
    `${HEAD}runtimeConfig: {a: !!str, b: c}\n`,
  ),
  configured("a tag with a brace behind it: accepted, and kind refused it", `${HEAD}runtimeConfig: {a: !!str}\n`),
  configured("a tag with a #: the same", `${HEAD}runtimeConfig: {a: !!str#b }\n`),
  configured("an anchor with a tag behind it: the same", `${HEAD}runtimeConfig: {a: &b!!str c}\n`),
  configured(
    "a key of 3,000 characters: accepted, and kind failed to read it",
    `${HEAD}featureGates: {${"x".repeat(3000)}: true}\n`,
  ),
  {
    name: "four thousand files that do not exist: the end of the report was lost where its reader was slow",
    inputs: { "cni-manifests": { text: "a,".repeat(4000), expected: "invalid" } },
    configuration: undefined,
    latest: false,
  },
];
