import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { waitForAdminRights } from "../cluster/api-server.ts";
import type { Creation } from "../cluster/create.ts";
import { createKubectl, type Kubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";
import { credentialFiles, removeFiles } from "../credentials/files.ts";
import { type IssuedCredentials, issueCredentials } from "../credentials/issue.ts";
import { type AdminAccess, adminKubeconfig, readAdminAccess } from "../credentials/kubeconfig.ts";
import { maskKey } from "../runner/mask.ts";
import { credentialsPlaceOf } from "../torch/clusters/cluster.ts";
import { recheckCredentialsPlace } from "../torch/compose/credentials-place.ts";
import { contextName } from "../values/nodes.ts";
import type { Supplies, Tools } from "./preparation.ts";
import type { BegunTorch } from "./torch.ts";

/** From here on kubeadm gives the admin's rights after the API server is ready. */
const FIRST_WITH_BOUND_ADMIN = "1.29.0-0";

/** The admin's way into the cluster, as soon as the API server answers and knows the admin's rights. */
export async function openCluster({ plan, journal, exec, log }: StepContext, creation: Creation, { kubectl }: Tools) {
  const { server, publishedPort, adminConf } = await creation.apiServer;
  const { runDirectory, shape } = plan;
  // None was there before the run: what is there now is of the try that failed.
  if (journal.state.failedTries) await removeFiles(credentialFiles(plan.credentials));
  const access = readAdminAccess(adminConf);
  maskKey(access.clientKey, access.clientKeyData);
  const kubeconfig = join(runDirectory, "kubeconfig");
  await writeFile(kubeconfig, adminKubeconfig(access, server, contextName(shape.name)), { mode: 0o600 });
  log.info(`API server answers on ${server}`);
  const asUser = (path: string) =>
    createKubectl({ kubectl, kubeconfig: path, runDirectory, exec, signal: creation.signal });
  const admin = asUser(kubeconfig);
  if (semver.gte(plan.versions.kubernetes, FIRST_WITH_BOUND_ADMIN)) await waitForAdminRights(admin, creation.signal);
  return { access, admin, asUser, cluster: { server, publishedPort, kubeconfig } };
}

/** What credentials are issued with. */
export interface Issuing {
  readonly access: AdminAccess;
  readonly server: string;
  readonly admin: Kubectl;
  readonly asUser: (kubeconfig: string) => Kubectl;
}

/** Issues the user's credentials, and uses them once. */
export async function issueFor(
  { inputs, plan, folders, log }: StepContext,
  { key, torch }: Pick<Supplies, "key"> & { readonly torch: BegunTorch | undefined },
  { access, server, admin, asUser }: Issuing,
): Promise<IssuedCredentials> {
  const { directory } = plan.credentials;
  const checkFolder = (real: string) => {
    const mounted =
      torch === undefined
        ? undefined
        : { checkout: torch.sources.checkout, files: credentialsPlaceOf(torch.plan.clusters[0]).files };
    return recheckCredentialsPlace(directory, real, folders, mounted);
  };
  const request = {
    user: inputs.user,
    key,
    lifetimeSeconds: inputs.certificateLifetimeSeconds,
    rbac: inputs.rbac,
    rbacManifests: inputs.rbacManifests,
    paths: plan.credentials,
    ca: access.ca,
    server,
    cluster: plan.shape.name,
    context: `${inputs.user}@${contextName(plan.shape.name)}`,
    checkFolder,
  };
  const credentials = await issueCredentials(request, admin, asUser);
  log.info(`Certificate of ${inputs.user} signed, checked and used; rights: ${inputs.rbac}`);
  return credentials;
}
