import { nearestName } from "../values/spelling.ts";
import { isPrintable } from "../values/text.ts";

/** Inputs of other actions that create clusters, with our names for the same. */
const OURS: Readonly<Record<string, string>> = {
  // helm/kind-action
  version: "kind-version",
  config: "kind-config",
  node_image: "node-image",
  cluster_name: "cluster-name",
  kubectl_version: "kubectl-version",
  ignore_failed_clean: "cleanup",
  // engineerd/setup-kind
  image: "node-image",
  name: "cluster-name",
  skipclusterdeletion: "cleanup",
  skipclusterlogsexport: "logs",
  // others
  registry_port: "registry-port",
  localregistry: "registry",
  k8s_version: "kubernetes-version",
  "k8s-version": "kubernetes-version",
  kubernetes_version: "kubernetes-version",
  worker_count: "workers",
};

/** Inputs of other actions that have no counterpart here, and why. */
const NOTHING: Readonly<Record<string, string>> = {
  registry_name: "it is the cluster's, with -registry",
  registry_image: "the catalog has it",
  registry_enable_delete: "images can always be deleted",
  kubeconfig: "the path is the output kubeconfig",
  install_only: "a cluster is always created",
  skipclustercreation: "a cluster is always created",
  verbosity: "run the job with debug logging",
};

const VARIABLE = /^INPUT_(.+)$/;

/**
 * A warning about inputs that this Action does not have. The runner passes them on in the environment, with a warning that
 * does not suggest another name, and nothing reads them.
 * @param declared the names of the inputs that this Action has.
 */
export function warnAboutUndeclared(environment: NodeJS.ProcessEnv, declared: ReadonlySet<string>): readonly string[] {
  const undeclared = Object.entries(environment)
    .flatMap(([variable, value]) => {
      const name = VARIABLE.exec(variable)?.[1]?.toLowerCase();
      return name === undefined || declared.has(name) || (value ?? "").trim() === "" ? [] : [name];
    })
    .filter((name) => isPrintable(name) && name.length <= 100)
    .toSorted();
  if (undeclared.length === 0) return [];
  const described = undeclared.slice(0, MAX_NAMES).map((name) => describe(name, declared));
  const more = undeclared.length > MAX_NAMES ? `, and ${undeclared.length - MAX_NAMES} more` : "";
  return [
    `This Action does not have these inputs, and they have no effect: ${described.join(", ")}${more}. Fix: correct or remove them.`,
  ];
}

const MAX_NAMES = 20;

function describe(name: string, declared: ReadonlySet<string>): string {
  const ours = Object.hasOwn(OURS, name) ? OURS[name] : undefined;
  if (ours !== undefined) return `${name} (here: ${ours})`;
  const nothing = Object.hasOwn(NOTHING, name) ? NOTHING[name] : undefined;
  if (nothing !== undefined) return `${name} (${nothing})`;
  const near = nearestName(name, [...declared]);
  return near === undefined ? name : `${name} (did you mean ${near}?)`;
}
