import type { Kubectl } from "../cluster/kubectl.ts";
import { describeError, Failure } from "../errors.ts";
import { type CheckedCertificate, checkCertificate } from "./certificate.ts";
import { type CredentialPaths, writeNewFiles } from "./files.ts";
import type { KeyAndRequest } from "./key.ts";
import { userKubeconfig } from "./kubeconfig.ts";
import { planRbac, type RbacMode } from "./rbac.ts";
import { issueCertificate } from "./sign.ts";

/** What the user is to get. */
export interface CredentialsRequest {
  readonly user: string;
  readonly key: KeyAndRequest;
  readonly lifetimeSeconds: number;
  readonly rbac: RbacMode;
  readonly rbacManifests: readonly string[];
  readonly paths: CredentialPaths;
  /** The CA's certificate in PEM, and the endpoint on the host, as the admin's kubeconfig has them. */
  readonly ca: string;
  readonly server: string;
  readonly cluster: string;
  readonly context: string;
  /** Looks at the folder that the files are written to, by its real path, directly before. @throws where it is a wrong one. */
  readonly checkFolder: (real: string) => Promise<void>;
}

export interface IssuedCredentials extends CheckedCertificate {
  readonly ca: string;
  readonly certificate: string;
}

/**
 * Gives the user a certificate and rights, writes the files, and uses them once against the API server.
 * @param admin kubectl as the cluster's admin.
 * @param asUser makes kubectl for the user's own kubeconfig.
 */
export async function issueCredentials(
  request: CredentialsRequest,
  admin: Kubectl,
  asUser: (kubeconfig: string) => Kubectl,
): Promise<IssuedCredentials> {
  const { user, key, paths, ca } = request;
  const [certificate] = await Promise.all([
    issueCertificate(admin, {
      user,
      certificateRequest: key.certificateRequest,
      lifetimeSeconds: request.lifetimeSeconds,
    }),
    grantRights(request, admin),
  ]);
  const checked = checkCertificate({ certificate, privateKey: key.privateKey, ca }, user, new Date());
  const kubeconfig = userKubeconfig({
    context: request.context,
    cluster: request.cluster,
    user,
    server: request.server,
  });
  const files = [
    { path: paths.ca, text: ca, secret: false },
    { path: paths.certificate, text: certificate, secret: false },
    { path: paths.privateKey, text: key.privateKey, secret: true },
    { path: paths.userKubeconfig, text: kubeconfig, secret: true },
  ];
  await writeNewFiles(paths.directory, files, request.checkFolder);
  await useOnce(asUser(paths.userKubeconfig), request);
  return { ...checked, ca, certificate };
}

async function grantRights({ rbac, rbacManifests, user }: CredentialsRequest, admin: Kubectl): Promise<void> {
  const objects = planRbac(rbac, user);
  const grants: Promise<unknown>[] = rbacManifests.length === 0 ? [] : [applyManifests(rbacManifests, admin)];
  if (objects !== undefined) {
    grants.push(
      admin(["create", "--validate=false", "--filename=-"], {
        purpose: "granting the user's rights",
        stdin: JSON.stringify(objects),
      }),
    );
  }
  await Promise.all(grants);
}

/** In the order given: a later one may need what an earlier one makes. */
async function applyManifests(paths: readonly string[], admin: Kubectl): Promise<void> {
  try {
    await admin(["apply", ...paths.flatMap((path) => ["--filename", path])], {
      purpose: "applying the rbac-manifests",
    });
  } catch (error) {
    throw new Failure(describeError(error), {
      fix: "mend the manifest that kubectl names; they are applied in the order of the input",
      cause: error,
      retryable: false,
    });
  }
}

/** An anonymous or refused client gets an error here, an authenticated one a yes or a no. */
async function useOnce(kubectl: Kubectl, { rbac, user }: CredentialsRequest): Promise<void> {
  const { stdout } = await kubectl(["create", "--raw", SELF_REVIEW, "--filename=-"], {
    purpose: `using the certificate as ${user}`,
    stdin: JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb: "create", group: "apps", resource: "deployments" } },
    }),
  });
  const answer: { readonly status?: { readonly allowed?: boolean } } = JSON.parse(stdout);
  if (rbac !== "none" && answer.status?.allowed !== true) {
    throw new Failure(`The API server knows ${user}, but does not grant what rbac: ${rbac} promises.`, {
      fix: "see whether one of the rbac-manifests takes rights away",
    });
  }
}

const SELF_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
