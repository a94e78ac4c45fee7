import type { Finished, Run } from "../process.ts";

/** kubectl against one cluster. */
export type Kubectl = (
  args: readonly string[],
  options: { readonly purpose: string; readonly timeoutSeconds?: number; readonly stdin?: string },
) => Promise<Finished>;

/** Binds kubectl to a kubeconfig. Its discovery cache lies in the run's folder, so that nothing is left in the home. */
export function createKubectl(path: string, kubeconfig: string, cacheDirectory: string, run: Run, signal?: AbortSignal): Kubectl {
  return (args, { purpose, timeoutSeconds = 60, stdin }) =>
    run({
      file: path,
      args: ["--kubeconfig", kubeconfig, "--cache-dir", cacheDirectory, ...args],
      timeoutSeconds,
      purpose,
      ...(stdin === undefined ? {} : { stdin }),
      ...(signal === undefined ? {} : { signal }),
    });
}
