import { isPrintable } from "../values/text.ts";

/** Inputs of other actions that create clusters, by the names that they have there, and ours for the same. */
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
  k8s_version: "kubernetes-version",
  "k8s-version": "kubernetes-version",
  kubernetes_version: "kubernetes-version",
  worker_count: "workers",
};

/** Inputs of theirs for which there is nothing here, and why. */
const NOTHING: Readonly<Record<string, string>> = {
  registry: "no registry is started",
  registry_name: "no registry is started",
  registry_port: "no registry is started",
  registry_image: "no registry is started",
  registry_enable_delete: "no registry is started",
  localregistry: "no registry is started",
  kubeconfig: "the path is the output kubeconfig",
  install_only: "a cluster is always created",
  skipclustercreation: "a cluster is always created",
  verbosity: "run the job with debug logging",
};

const VARIABLE = /^INPUT_(.+)$/;

/**
 * What to say of inputs that this Action does not have. The runner passes them on in the environment all the same (with
 * a warning of its own that names no other one), and nothing reads them.
 * @param declared the names of the inputs that there are.
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
  return [`This Action does not have these inputs, and they have no effect: ${described.join(", ")}${more}.`];
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

/** The one of some names that a misspelled one was most likely meant to be: at most a third of it differs. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[_ .-]/g, "");
  const ranked = names
    .map((each) => ({ each, distance: editDistance(plain(name), plain(each)) }))
    .filter(({ each, distance }) => distance <= Math.floor(plain(each).length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.each;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1];
    for (const [at, other] of [...b].entries()) {
      next.push(Math.min((next[at] ?? 0) + 1, (row[at + 1] ?? 0) + 1, (row[at] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
