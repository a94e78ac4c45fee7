import { type Command, CommandError, type Exec, type ExecResult } from "../exec.ts";
import { WITHOUT_PROXY } from "../host/proxy.ts";

/** kubectl against one cluster. */
export type Kubectl = (
  args: readonly string[],
  options: Pick<Command, "purpose" | "stdin" | "onLine" | "signal"> & { readonly timeoutSeconds?: number },
) => Promise<ExecResult>;

/** Binds kubectl to a kubeconfig; it takes no proxy to the API server, which is on this machine. Its discovery cache lies in the run's folder, so that nothing is left in the home. */
export function createKubectl(
  path: string,
  kubeconfig: string,
  cacheDirectory: string,
  exec: Exec,
  signal?: AbortSignal,
): Kubectl {
  return (args, options) =>
    exec({
      file: path,
      args: ["--kubeconfig", kubeconfig, "--cache-dir", cacheDirectory, ...args],
      timeoutSeconds: 60,
      env: WITHOUT_PROXY,
      ...(signal === undefined ? {} : { signal }),
      ...options,
    });
}

/**
 * Follows objects, a line each, until there were enough of them or the run stops.
 * @param objects the arguments of `kubectl get`, with its output.
 */
export async function watchObjects(
  kubectl: Kubectl,
  objects: readonly string[],
  stop: AbortSignal,
  enough: AbortSignal,
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
