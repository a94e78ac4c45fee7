import { dirname } from "node:path";
import { addPath, exportVariable, setOutput } from "@actions/core";

/** Every output, by its name in action.yml. The private key is none: only its path is. */
export interface Outputs {
  readonly "cluster-name": string;
  readonly "kubernetes-version": string;
  readonly "kind-version": string;
  readonly "kubectl-version": string;
  readonly "node-image": string;
  readonly "kind-path": string;
  readonly "kubectl-path": string;
  readonly kubeconfig: string;
  readonly context: string;
  readonly endpoint: string;
  readonly "endpoint-external": string;
  readonly "ca-certificate": string;
  readonly "ca-certificate-path": string;
  readonly "client-certificate": string;
  readonly "client-certificate-path": string;
  readonly "client-key-path": string;
  readonly "user-kubeconfig": string;
  readonly "credentials-directory": string;
  readonly "artifact-name": string;
  readonly "artifact-id": string;
  readonly "artifact-url": string;
  readonly "torch-dashboard-url": string;
  readonly "torch-engine-url": string;
  readonly "torch-broker-url": string;
}

/** Sets the outputs, and `PATH` and `KUBECONFIG` for the steps that follow. */
export function setOutputs(outputs: Outputs, environment: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  addPath(dirname(outputs["kind-path"]));
  addPath(dirname(outputs["kubectl-path"]));
  exportVariable("KUBECONFIG", joinKubeconfigs(outputs.kubeconfig, environment.KUBECONFIG));
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
