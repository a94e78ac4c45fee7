import type { Command, Finished, Run } from "../process.ts";

/** kubectl against one cluster. */
export type Kubectl = (
  args: readonly string[],
  options: Pick<Command, "purpose" | "stdin" | "onLine" | "signal"> & { readonly timeoutSeconds?: number },
) => Promise<Finished>;

/** Binds kubectl to a kubeconfig. Its discovery cache lies in the run's folder, so that nothing is left in the home. */
export function createKubectl(
  path: string,
  kubeconfig: string,
  cacheDirectory: string,
  run: Run,
  signal?: AbortSignal,
): Kubectl {
  return (args, options) =>
    run({
      file: path,
      args: ["--kubeconfig", kubeconfig, "--cache-dir", cacheDirectory, ...args],
      timeoutSeconds: 60,
      ...(signal === undefined ? {} : { signal }),
      ...options,
    });
}
