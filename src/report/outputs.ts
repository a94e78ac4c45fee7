import { dirname } from "node:path";
import { prependToPath, setOutputs, setVariable } from "../runner/output-file.ts";

/** Every output, by its name in action.yml. The private key is not among them: only its path is. */
export type Outputs = Readonly<
  Record<
    | "cluster-name"
    | "kubernetes-version"
    | "kind-version"
    | "kubectl-version"
    | "node-image"
    | "kind-path"
    | "kubectl-path"
    | "kubeconfig"
    | "context"
    | "endpoint"
    | "endpoint-external"
    | "ca-certificate"
    | "ca-certificate-path"
    | "client-certificate"
    | "client-certificate-path"
    | "client-key-path"
    | "user-kubeconfig"
    | "credentials-directory"
    | "artifact-name"
    | "artifact-id"
    | "artifact-url"
    | "registry"
    | "pod-subnet"
    | "service-subnet"
    | "torch-dashboard-url"
    | "torch-engine-url"
    | "torch-broker-url"
    | "torch-package-cache-key",
    string
  >
>;

/** Those of a step that only installs kind and kubectl; the others stay empty. */
export type ToolOutputs = Pick<Outputs, "kind-version" | "kubectl-version" | "kind-path" | "kubectl-path">;

/** Sets the outputs, and `PATH` and `KUBECONFIG` for the steps that follow. */
export function publishOutputs(outputs: Outputs, environment: NodeJS.ProcessEnv): void {
  publishTools(outputs);
  setVariable("KUBECONFIG", joinKubeconfigs(outputs.kubeconfig, environment.KUBECONFIG));
}

/** Sets outputs, and puts kind and kubectl into `PATH` for the steps that follow. */
export function publishTools(outputs: ToolOutputs): void {
  setOutputs(outputs);
  prependToPath(dirname(outputs["kind-path"]));
  prependToPath(dirname(outputs["kubectl-path"]));
}

/**
 * `KUBECONFIG` for later steps: this cluster's file first, so that its context is the current one, then those of
 * earlier runs of this Action in the job, so that two clusters can be used side by side. Any other file is left out:
 * a step must not reach a cluster by accident that it was not given.
 */
export function joinKubeconfigs(own: string, before: string | undefined): string {
  const earlier = (before ?? "").split(":").filter((path) => /\/kind-torch-[^/]+\/kubeconfig$/.test(path));
  return [...new Set([own, ...earlier])].join(":");
}
