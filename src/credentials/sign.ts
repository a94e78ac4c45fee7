import { randomBytes } from "node:crypto";
import type { Kubectl } from "../cluster/kubectl.ts";
import { Failure } from "../errors.ts";
import { poll } from "../poll.ts";

/** The CSR object for the cluster's own signer of client certificates; its name is not the user's, which is in the CN. */
export function planSigningRequest(user: string, certificateRequest: string, lifetimeSeconds: number, suffix: string) {
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: `${user}-${suffix}` },
    spec: {
      request: Buffer.from(certificateRequest).toString("base64"),
      signerName: "kubernetes.io/kube-apiserver-client",
      // An int32 in the API.
      expirationSeconds: Math.floor(lifetimeSeconds),
      usages: ["client auth"],
    },
  };
}

const SIGNING_SECONDS = 60;

/** Has the cluster sign the request: creates the CSR object, approves it, and waits for the certificate (PEM). */
export async function issueCertificate(
  kubectl: Kubectl,
  request: { readonly user: string; readonly certificateRequest: string; readonly lifetimeSeconds: number },
): Promise<string> {
  const suffix = randomBytes(4).toString("hex");
  const manifest = planSigningRequest(request.user, request.certificateRequest, request.lifetimeSeconds, suffix);
  const name = manifest.metadata.name;
  await kubectl(["create", "--validate=false"], {
    purpose: "creating the certificate request",
    manifest,
  });
  await kubectl(["certificate", "approve", name], { purpose: "approving the certificate request" });
  const fetchCertificate = async () => {
    const { stdout } = await kubectl(["get", "csr", name, "-o", "jsonpath={.status.certificate}"], {
      purpose: "fetching the certificate",
    });
    return stdout === "" ? undefined : Buffer.from(stdout, "base64").toString();
  };
  const certificate = await poll(fetchCertificate, { everyMilliseconds: 200, forMilliseconds: SIGNING_SECONDS * 1000 });
  if (certificate !== undefined) return certificate;
  throw new Failure(`The certificate request ${name} was approved, but not signed within ${SIGNING_SECONDS} s.`, {
    fix: "look at the kube-controller-manager's log in the collected logs: it is the signer",
  });
}
