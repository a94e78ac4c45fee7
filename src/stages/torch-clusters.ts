import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readAdminConf } from "../cluster/kind.ts";
import { createKubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";
import { makeDirectory, writeNewFile } from "../credentials/files.ts";
import { adminKubeconfig, readAdminAccess } from "../credentials/kubeconfig.ts";
import { describeError, Failure } from "../errors.ts";
import { maskKey } from "../runner/mask.ts";
import type { Template } from "../torch/checkout/template.ts";
import { type EarlierCluster, listFiles, type TorchCluster } from "../torch/clusters/cluster.ts";
import type { TorchPlan } from "../torch/plan.ts";
import type { Csar } from "../torch/template/csar.ts";
import type { AdministeredCluster } from "../torch/template/request.ts";
import { listNamespaces, readNamespaces } from "../torch/template/workload.ts";
import { contextName } from "../values/nodes.ts";
import type { Cluster } from "./cluster.ts";
import type { Tools } from "./preparation.ts";

/**
 * Copies the credentials of earlier steps' clusters, as they were checked, into the run's folder: what the service layer
 * mounts cannot be changed where it came from.
 */
export async function copyEarlierFiles({ journal }: StepContext, { clusters }: TorchPlan): Promise<void> {
  const copied = clusters.filter(({ earlier }) => earlier !== undefined);
  if (copied.length === 0) return;
  journal.update({ credentialFiles: [...journal.state.credentialFiles, ...copied.flatMap(listFiles)] });
  for (const { files, earlier } of copied) {
    if (earlier === undefined) continue;
    const { ca, certificate, privateKey } = earlier.credentials;
    await makeDirectory(files.directory);
    await writeNewFile({ path: files.ca, text: ca, secret: false });
    await writeNewFile({ path: files.certificate, text: certificate, secret: false });
    await writeNewFile({ path: files.privateKey, text: privateKey, secret: true });
  }
}

/** A cluster that a template is followed in. */
export interface FollowedCluster extends AdministeredCluster {
  readonly kubeconfig: string;
  /** The id of a control plane's container, if an earlier step made the cluster. */
  readonly controlPlane: string | undefined;
}

/** The clusters that a template's nodes stand for, each with kubectl as its admin. */
export async function administer(
  context: StepContext,
  { placed }: Template,
  made: { readonly torch: TorchPlan; readonly tools: Tools; readonly own: Cluster },
): Promise<readonly FollowedCluster[]> {
  const { plan, exec, tasks } = context;
  const names = new Set(placed.map(({ cluster }) => cluster));
  const followed: FollowedCluster[] = [];
  for (const cluster of made.torch.clusters.filter(({ name }) => names.has(name))) {
    const kubeconfig = await kubeconfigOf(cluster, made.own, context);
    const kubectl = createKubectl({
      kubectl: made.tools.kubectl,
      kubeconfig,
      runDirectory: plan.runDirectory,
      exec,
      signal: tasks.signal,
    });
    followed.push({ name: cluster.name, kubectl, kubeconfig, controlPlane: cluster.earlier?.controlPlane });
  }
  return followed;
}

/** The path of the admin's kubeconfig of a cluster: that of an earlier step's is written into the run's folder. */
async function kubeconfigOf(
  { name, earlier }: TorchCluster,
  own: Cluster,
  { plan, journal, exec }: StepContext,
): Promise<string> {
  if (earlier === undefined) return own.kubeconfig;
  const path = join(plan.runDirectory, "clusters", `${name}.kubeconfig`);
  const access = await readAccess(earlier, exec);
  journal.update({ kubeconfigs: [...(journal.state.kubeconfigs ?? []), path] });
  await writeFile(path, adminKubeconfig(access, earlier.server, contextName(name)), { mode: 0o600 });
  return path;
}

/** The admin's access, from the control plane's own container: what may be listed and removed is more than the user's. */
async function readAccess({ controlPlane, credentials }: EarlierCluster, exec: StepContext["exec"]) {
  const conf = await readAdminConf(controlPlane, exec).catch((error: unknown) => {
    throw new Failure(
      `The cluster ${credentials.cluster} of an earlier step ended during this one: ${describeError(error)}`,
      {
        fix: "keep that cluster until this step is done",
        cause: error,
        retryable: false,
      },
    );
  });
  const access = readAdminAccess(conf);
  maskKey(access.clientKey, access.clientKeyData);
  return access;
}

/** Writes down the namespaces that TORCH-V2 is about to create. One that is there already is not the run's to remove. */
export async function recordNamespaces(
  { journal }: StepContext,
  { template, federations }: Pick<Csar, "template" | "federations">,
  clusters: readonly FollowedCluster[],
): Promise<void> {
  const wanted = listNamespaces(template, federations);
  const own = clusters.map(async ({ name: cluster, kubectl, kubeconfig, controlPlane }) => {
    const there = await readNamespaces(kubectl);
    const place = { cluster, kubeconfig, ...(controlPlane === undefined ? {} : { controlPlane }) };
    return [...wanted].flatMap((name) => (there.has(name) ? [] : [{ name, ...place }]));
  });
  journal.update({ namespaces: (await Promise.all(own)).flat() });
}
