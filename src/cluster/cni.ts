import { describeError, Failure } from "../errors.ts";
import { CommandError } from "../exec.ts";
import { retryCommand } from "./command-retry.ts";
import type { Kubectl } from "./kubectl.ts";

/** For one file: Calico's has some thirty large definitions, and the API server has just started. */
const APPLY_SECONDS = 120;

/** How long the API server may take to serve what a file defines. */
const DEFINITION_SECONDS = 60;

/**
 * kubectl's arguments for one file. The server merges: a merge by kubectl keeps a copy of each object in an annotation, for
 * which the definitions of Calico's operator are too large (projectcalico/calico #7826). A file may change what kubeadm
 * has created, as it may with a merge by kubectl; hence the forced conflicts.
 */
export function applyArgs(path: string): readonly string[] {
  return ["apply", "--server-side", "--force-conflicts", "--output=name", `--filename=${path}`];
}

/** The custom resource definitions among the names that kubectl has printed. */
export function findDefinitions(output: string): readonly string[] {
  return output.split("\n").filter((line) => line.startsWith("customresourcedefinition.apiextensions.k8s.io/"));
}

/**
 * Installs the user's network plugin: applies the files one after the other, as a later one may need what an earlier one
 * defines.
 * @throws Failure with kubectl's words where it refuses a file; no other try could end better.
 */
export async function applyCniManifests(paths: readonly string[], kubectl: Kubectl): Promise<void> {
  if (paths.length === 0) return;
  await waitForSystemNamespace(kubectl);
  for (const [index, path] of paths.entries()) {
    const definitions = findDefinitions(await applyManifest(path, kubectl));
    if (index < paths.length - 1) await waitForDefinitions(definitions, kubectl);
  }
}

/** The API server creates it a moment after it is ready. */
async function waitForSystemNamespace(kubectl: Kubectl): Promise<void> {
  await retryCommand(
    () =>
      kubectl(["get", "namespace", "kube-system", "--output=name"], {
        purpose: "looking for the namespace kube-system",
      }),
    { everyMilliseconds: 200, forMilliseconds: 60_000 },
  );
}

async function applyManifest(path: string, kubectl: Kubectl): Promise<string> {
  try {
    const options = { purpose: "applying the cni-manifests", timeoutSeconds: APPLY_SECONDS };
    return (await kubectl(applyArgs(path), options)).stdout;
  } catch (error) {
    throw new Failure(`${path}: ${describeError(error)}`, {
      fix: "fix the manifest that kubectl names; the files are applied in the order of cni-manifests, and an object of a kind that a file defines belongs in a later file",
      cause: error,
      // One that timed out was not refused.
      retryable: !(error instanceof CommandError && error.exitCode !== undefined),
    });
  }
}

async function waitForDefinitions(definitions: readonly string[], kubectl: Kubectl): Promise<void> {
  if (definitions.length === 0) return;
  const limit = `--timeout=${DEFINITION_SECONDS}s`;
  await kubectl(["wait", ...definitions, "--for=condition=Established", limit], {
    purpose: "waiting for the definitions of the cni-manifests",
    timeoutSeconds: DEFINITION_SECONDS + 30,
  });
}
