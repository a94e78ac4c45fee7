/** An input of another action. */
export interface OtherInput {
  /** As that action spells it; the runner passes it in capital letters. */
  readonly name: string;
  /** Our inputs that do what it did; none where we have no such thing on purpose. */
  readonly ours: readonly string[];
  /** What to do: the end of the error, and a cell of docs/migrating.md. It names all of `ours`. */
  readonly fix: string;
  /** Whether its value must not be shown. */
  readonly secret?: true;
  /** An input that has the same name here, with what is different: only docs/migrating.md tells. */
  readonly kept?: true;
}

/** Another action, with its inputs of all versions. */
export interface OtherAction {
  /** The repository, and the folder in it. */
  readonly name: string;
  readonly inputs: readonly OtherInput[];
}

export function rename(name: string, ours: string, how = ""): OtherInput {
  return { name, ours: [ours], fix: how === "" ? `write ${ours} in its place` : `write ${ours} in its place${how}` };
}

export function use(name: string, ours: readonly string[], fix: string): OtherInput {
  return { name, ours, fix };
}

export function drop(name: string, why: string): OtherInput {
  return { name, ours: [], fix: `remove it: ${why}` };
}

export function keep(name: string, fix: string): OtherInput {
  return { name, ours: [name], fix, kept: true };
}

export const VERBOSITY = "to see more, run the job again with debug logging";
export const REGISTRY_LIFE = "the registry is empty at first, and goes with the cluster";
export const REGISTRY_NAME =
  "set registry: true; the output registry has the address, for docker push and for the image of a pod alike";
export const KUBECONFIG = "the output kubeconfig has the path, and KUBECONFIG is set";
export const FEATURE_GATES = "write them into kind-config, under featureGates";
export const MACHINE = "the nodes share the runner's processors and memory";
export const MANIFESTS = "apply its manifests in a later step";
export const EXTRA = "write a kind configuration into kind-config; the number of nodes is control-planes and workers";
export const MIRROR = " with the registry in front, such as docker.io=https://mirror.gcr.io";
export const WAIT = "the number needs its unit, such as 60s; every node is waited for, not only the control plane";
export const TOKEN = "nothing is looked up on GitHub while the job runs";

/** What kind actions have in common. */
export const KIND = [rename("version", "kind-version"), rename("config", "kind-config")];
export const NODE_IMAGE = rename("node_image", "node-image");
export const KUBECTL = rename("kubectl_version", "kubectl-version", "; unset it is the cluster's own version");
export const LOG_LEVEL = drop("log_level", VERBOSITY);
