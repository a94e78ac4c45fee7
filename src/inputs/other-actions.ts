import {
  drop,
  EXTRA,
  FEATURE_GATES,
  keep,
  MACHINE,
  MANIFESTS,
  MIRROR,
  type OtherAction,
  REGISTRY_NAME,
  rename,
  TOKEN,
  use,
} from "./other-input.ts";
import { OTHER_KIND_ACTIONS } from "./other-kind-actions.ts";

/**
 * The actions that create clusters or install their tools, as read from their action.yml files (November 2026), with our
 * names. docs/migrating.md has it as a table.
 */
export const OTHER_ACTIONS: readonly OtherAction[] = [
  ...OTHER_KIND_ACTIONS,
  {
    name: "reconcilerio/install-kind-action",
    inputs: [use("version", ["install-only", "kind-version"], "set install-only: true and kind-version")],
  },
  {
    name: "Azure/setup-kubectl",
    inputs: [
      use("version", ["install-only", "kubectl-version"], "set install-only: true and kubectl-version"),
      use("downloadBaseURL", ["kubectl-mirror"], "write kubectl-mirror in its place, with /release at the end"),
      use("checksum", ["catalog"], "write it into the file that catalog names; the built-in one has it already"),
    ],
  },
  {
    name: "medyagh/setup-minikube",
    inputs: [
      keep("kubernetes-version", "latest is the newest in the catalog; there is no stable"),
      rename("minikube-version", "kind-version", ", with a release of kind"),
      use(
        "nodes",
        ["control-planes", "workers"],
        "write control-planes and workers, which count the nodes of each role",
      ),
      keep("wait", "a duration: all is always waited for"),
      use("start", ["install-only"], "write install-only in its place, with the opposite value"),
      use("cni", ["cni-manifests"], "write cni-manifests in its place, with disableDefaultCNI in kind-config"),
      use(
        "network-plugin",
        ["cni-manifests"],
        "write cni-manifests in its place, with disableDefaultCNI in kind-config",
      ),
      use("addons", ["registry", "load-balancer"], `set registry or load-balancer; of another add-on, ${MANIFESTS}`),
      use("feature-gates", ["kind-config"], FEATURE_GATES),
      use("extra-config", ["kind-config"], "write a kubeadmConfigPatches entry into kind-config"),
      use("mount-path", ["kind-config"], "write it into kind-config, as extraMounts of a node"),
      use("start-args", ["kind-config"], EXTRA),
      rename("listen-address", "api-server-address"),
      use("insecure-registry", ["registry"], "set registry: true for a registry next to the cluster"),
      drop("driver", "the nodes are containers of Docker Engine"),
      drop("container-runtime", "the nodes run containerd"),
      drop("cache", "kind and kubectl are kept in the tool cache in any case"),
      drop("install-path", "the output kind-path has the path, and PATH is set"),
      ...["cpus", "memory"].map((name) => drop(name, MACHINE)),
    ],
  },
  {
    name: "AbsaOSS/k3d-action",
    inputs: [
      keep("cluster-name", "unset it is bologna"),
      use("args", ["kind-config", "control-planes", "workers"], EXTRA),
      rename("k3d-version", "kind-version", ", with a release of kind"),
      rename("use-default-registry", "registry"),
      use("registry-config-path", ["registry-mirrors"], "write registry-mirrors in its place, with each mirror"),
      use(
        "override-registry-config-path",
        ["registry-mirrors"],
        "write registry-mirrors in its place, with each mirror",
      ),
      ...["network", "subnet-CIDR"].map((name) => drop(name, "clusters share kind's Docker network")),
    ],
  },
  {
    name: "nolar/setup-k3d-k3s",
    inputs: [
      rename("version", "kubernetes-version"),
      rename("k3d-tag", "kind-version", ", with a release of kind"),
      rename("k3d-name", "cluster-name"),
      use("k3d-args", ["kind-config", "control-planes", "workers"], EXTRA),
      rename("skip-creation", "install-only"),
      use("skip-readiness", ["wait"], "write wait: 0s in its place"),
      { ...drop("github-token", TOKEN), secret: true },
    ],
  },
  {
    name: "chainguard-dev/actions/setup-k3d",
    inputs: [
      use("k3s-image", ["kubernetes-version"], "write kubernetes-version in its place, or node-image"),
      rename("k3d-version", "kind-version", ", with a release of kind"),
      rename("worker-count", "workers"),
      rename("registry-mirror", "registry-mirrors", MIRROR),
      use("registry-host", ["registry"], REGISTRY_NAME),
      keep("registry-port", "with registry: true"),
      use(
        "max-pods",
        ["kind-config"],
        "write a KubeletConfiguration with maxPods into kubeadmConfigPatches of kind-config",
      ),
    ],
  },
];
