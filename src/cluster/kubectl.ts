import { join } from "node:path";
import { type Command, CommandError, type Exec, type ExecResult } from "../exec.ts";
import { WITHOUT_PROXY } from "../host/proxy.ts";
import { withRunFile } from "../run-folder.ts";

/** How kubectl is called once. */
export type KubectlOptions = Pick<Command, "purpose" | "onLine" | "signal"> & {
  /** 60 where it is not set. */
  readonly timeoutSeconds?: number;
  /** An object, or a list of them, that kubectl gets as its `--filename`. */
  readonly manifest?: object;
};

/** kubectl against one cluster. */
export type Kubectl = (args: readonly string[], options: KubectlOptions) => Promise<ExecResult>;

/** What kubectl is bound to. */
export interface KubectlBinding {
  /** Path of the program. */
  readonly kubectl: string;
  readonly kubeconfig: string;
  /** Where its discovery cache and its manifests lie, so that nothing is left in the home. */
  readonly runDirectory: string;
  readonly exec: Exec;
  readonly signal?: AbortSignal;
}

/** Binds kubectl to a kubeconfig. It uses no proxy: the API server is on this machine. */
export function createKubectl({ kubectl, kubeconfig, runDirectory, exec, signal }: KubectlBinding): Kubectl {
  const common = ["--kubeconfig", kubeconfig, "--cache-dir", join(runDirectory, "kubectl-cache")];
  return async (args, { manifest, ...options }) => {
    const call = (...more: readonly string[]) =>
      exec({
        file: kubectl,
        args: [...common, ...args, ...more],
        timeoutSeconds: 60,
        env: WITHOUT_PROXY,
        ...(signal === undefined ? {} : { signal }),
        ...options,
      });
    if (manifest === undefined) return await call();
    const file = { name: "manifest.json", text: JSON.stringify(manifest) };
    return await withRunFile(runDirectory, file, (path) => call(`--filename=${path}`));
  };
}

/** What ends a watch: the run, or that there is enough. */
export interface WatchSignals {
  readonly stop: AbortSignal;
  readonly enough: AbortSignal;
}

/**
 * Follows objects, a line each, until there were enough of them or the run stops.
 * @param objects the arguments of `kubectl get`, with its output.
 */
export async function watchObjects(
  kubectl: Kubectl,
  objects: readonly string[],
  { stop, enough }: WatchSignals,
  onLine: (line: string) => void,
): Promise<void> {
  try {
    await kubectl(["get", ...objects, "--watch"], {
      purpose: `watching ${objects[0]}`,
      timeoutSeconds: 1200,
      signal: AbortSignal.any([stop, enough]),
      onLine,
    });
  } catch (error) {
    if (!(enough.aborted && error instanceof CommandError)) throw error;
  }
}
