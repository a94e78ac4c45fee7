import { boolean, nullish, object } from "valibot";
import type { Kubectl } from "../cluster/kubectl.ts";
import { describeError, Failure } from "../errors.ts";
import { readJson } from "../values/json.ts";
import { type CheckedCertificate, checkCertificate } from "./certificate.ts";
import { type CredentialPaths, writeNewFiles } from "./files.ts";
import type { KeyAndRequest } from "./key.ts";
import { userKubeconfig } from "./kubeconfig.ts";
import { planRbac, type RbacMode } from "./rbac.ts";
import { issueCertificate } from "./sign.ts";

/** What the user gets. */
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
  /** Checks the folder that the files are written to, by its real path, directly before. @throws if it must not be used. */
  readonly checkFolder: (real: string) => Promise<void>;
}

/** The user's certificate with the CA that signed it, both in PEM. */
export interface IssuedCredentials extends CheckedCertificate {
  readonly ca: string;
  readonly certificate: string;
}

/**
 * Gives the user a certificate and rights, writes the files, and uses them once against the API server.
 * @param admin kubectl as the cluster's admin.
 * @param asUser gives kubectl with the user's own kubeconfig.
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
      admin(["create", "--validate=false"], {
        purpose: "granting the user's rights",
        manifest: objects,
      }),
    );
  }
  await Promise.all(grants);
}

/** In the order given: a later one may need what an earlier one creates. */
async function applyManifests(paths: readonly string[], admin: Kubectl): Promise<void> {
  try {
    await admin(["apply", ...paths.flatMap((path) => ["--filename", path])], {
      purpose: "applying the rbac-manifests",
    });
  } catch (error) {
    throw new Failure(describeError(error), {
      fix: "fix the manifest that kubectl names; the manifests are applied in the order of rbac-manifests",
      cause: error,
      retryable: false,
    });
  }
}

/** An anonymous or refused client gets an error here, an authenticated one a yes or a no. */
async function useOnce(kubectl: Kubectl, { rbac, user }: CredentialsRequest): Promise<void> {
  const { stdout } = await kubectl(["create", "--raw", SELF_REVIEW], {
    purpose: `using the certificate as ${user}`,
    manifest: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb: "create", group: "apps", resource: "deployments" } },
    },
  });
  const answer = readJson(selfReview, stdout);
  if (rbac !== "none" && answer.status?.allowed !== true) {
    throw new Failure(`The API server knows ${user}, but does not give it the rights of rbac: ${rbac}.`, {
      fix: "check whether one of the rbac-manifests takes rights away",
    });
  }
}

/** What is read of the answer (authorization.k8s.io/v1). */
const selfReview = object({ status: nullish(object({ allowed: nullish(boolean()) })) });

const SELF_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
