import { copyFile, link, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localFolders } from "../../scripts/local/open-run.ts";
import { runStep } from "../../scripts/local/runner.ts";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { resolveVersions } from "../../src/versions/resolve.ts";
import { conformanceImages } from "../../testbed/conformance-images.ts";
import { kubeletPatches, releaseOf } from "../../testbed/releases.ts";
import { type Machine, machineOf, prepareRun, sh } from "../e2e/harness.ts";
import type { Subject } from "./results.ts";

/** A cluster with a control plane and a worker, on whose nodes the tests' images are. */
export interface Cluster {
  readonly kubeconfig: string;
  readonly kubectl: string;
  remove(): Promise<void>;
}

const ARCHIVE = "conformance.tar";

/** Creates a subject's cluster. Where the official images can be pulled, the nodes pull them. */
export async function createCluster(
  subject: Subject,
  minor: string,
  // Those of several versions may be there at the same time.
  name = `conformance-${subject}-${minor.replace(".", "-")}`,
): Promise<Cluster> {
  const bed = await raiseBedFor(minor, console.error);
  const archive = bed.official ? undefined : await conformanceImages(releaseOf(minor), console.error);
  const configuration = JSON.stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    name,
    nodes: [{ role: "control-plane" }, { role: "worker" }],
    kubeadmConfigPatches: kubeletPatches(minor),
  });
  const request = { machine: machineOf(bed), minor, name, configuration, archive };
  const cluster = subject === "action" ? await createWithAction(request) : await createWithKind(request, bed);
  try {
    // The tests need two nodes that take pods.
    const taint = ["taint", "node", `${name}-control-plane`, "node-role.kubernetes.io/control-plane:NoSchedule-"];
    await sh(cluster.kubectl, [`--kubeconfig=${cluster.kubeconfig}`, ...taint]);
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

interface Request {
  readonly machine: Machine;
  readonly minor: string;
  readonly name: string;
  readonly configuration: string;
  readonly archive: string | undefined;
}

async function createWithAction({ machine, minor, configuration, archive }: Request): Promise<Cluster> {
  const run = await prepareRun(machine, {
    "kubernetes-version": minor,
    "kind-config": configuration,
    ...(archive === undefined ? {} : { "load-images": ARCHIVE }),
  });
  const remove = async () => {
    await run.post();
    await run.dispose();
  };
  try {
    if (archive !== undefined) await place(archive, join(run.folders.workspace, ARCHIVE));
    const { exitCode, log, outputs } = await run.main();
    if (exitCode !== 0) throw new Error(log.join("\n"));
    return { kubeconfig: outputs.kubeconfig ?? "", kubectl: outputs["kubectl-path"] ?? "", remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function place(file: string, to: string): Promise<void> {
  await link(file, to).catch(() => copyFile(file, to));
}

/** As a user of kind alone: `kind create cluster`, the wait for what the Action waits for, `kind load image-archive`. */
async function createWithKind(
  { machine, minor, name, configuration, archive }: Request,
  bed: Awaited<ReturnType<typeof raiseBedFor>>,
): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-conformance-"));
  const kubeconfig = join(folder, "kubeconfig");
  const { kind, kubectl } = await installTools(machine, minor, folder);
  const remove = async () => {
    await sh(kind, ["delete", "cluster", `--name=${name}`, `--kubeconfig=${kubeconfig}`]);
    await rm(folder, { recursive: true });
  };
  try {
    const file = join(folder, "kind.json");
    await writeFile(file, configuration);
    const image = nodeImage(minor, bed.official ? undefined : await readFile(bed.catalog, "utf8"));
    const options = [`--config=${file}`, `--image=${image}`, `--kubeconfig=${kubeconfig}`, "--wait=5m"];
    await sh(kind, ["create", "cluster", ...options], 600);
    const wait = (...what: readonly string[]) =>
      sh(kubectl, [`--kubeconfig=${kubeconfig}`, "wait", "--timeout=300s", ...what], 320);
    await wait("--for=condition=Ready", "nodes", "--all");
    await wait("--for=condition=Available", "--namespace=kube-system", "deployment/coredns");
    if (archive !== undefined) await sh(kind, ["load", "image-archive", archive, `--name=${name}`], 300);
    return { kubeconfig, kubectl, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The programs that the Action would install; they stay in the folder. */
async function installTools(machine: Machine, minor: string, folder: string) {
  const [workspace, temp] = [join(folder, "workspace"), join(folder, "temp")];
  const inputs = { ...(await machine.inputs(temp)), "kubernetes-version": minor, "install-only": "true" };
  const folders = { workspace, temp, toolCache: localFolders().toolCache };
  const { exitCode, log, outputs } = await runStep({ entry: "main", folders, inputs });
  if (exitCode !== 0) throw new Error(log.join("\n"));
  return { kind: outputs["kind-path"] ?? "", kubectl: outputs["kubectl-path"] ?? "" };
}

/** The image that the Action takes. @param catalog the test environment's. */
function nodeImage(minor: string, catalog: string | undefined): string {
  const unset = { kind: undefined, kubectl: undefined, nodeImage: undefined, configuredImages: [] };
  const known = catalog === undefined ? builtInCatalog() : parseCatalog(catalog);
  const resolution = resolveVersions({ kubernetes: { kind: "minor", minor }, ...unset }, known, undefined);
  if (!resolution.ok) throw new Error(`the catalog's Kubernetes ${minor} does not resolve`);
  return resolution.versions.nodeImage;
}
