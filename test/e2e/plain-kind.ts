import { chmod, copyFile, readFile } from "node:fs/promises";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { resolveVersions } from "../../src/versions/resolve.ts";
import { type Machine, prepareRun } from "./harness.ts";

/** kind, as someone else on the machine would use it. */
export interface PlainKind {
  /** Path of the program. */
  readonly kind: string;
  /** The version of Kubernetes that it is for, such as `1.28.15`. */
  readonly kubernetes: string;
}

/** Gets kind as the Action does, and puts it at a path. @param minor a minor of Kubernetes, or `latest`. */
export async function installKind(machine: Machine, minor: string, path: string): Promise<PlainKind> {
  const run = await prepareRun(machine, { "install-only": "true", "kubernetes-version": minor });
  try {
    // The harness sets these, which are about a cluster.
    const { outputs, log } = await run.main({ inputs: { artifact: "", "internet-probe": "" } });
    const [kind, kubernetes] = [outputs["kind-path"], outputs["kubectl-version"]];
    if (kind === undefined || kubernetes === undefined) throw new Error(`kind was not installed:\n${log.join("\n")}`);
    await copyFile(kind, path);
    await chmod(path, 0o755);
    return { kind: path, kubernetes };
  } finally {
    await run.post();
    await run.dispose();
  }
}

/** The node image that the Action uses by default on this machine. */
export async function usualNodeImage(machine: Machine, temp: string): Promise<string> {
  const { catalog } = await machine.inputs(temp);
  const resolution = resolveVersions(
    { kubernetes: undefined, kind: undefined, kubectl: undefined, nodeImage: undefined, configuredImages: [] },
    catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8")),
    undefined,
  );
  if (!resolution.ok) throw new Error("the catalog has no default");
  return resolution.versions.nodeImage;
}
