import { randomBytes } from "node:crypto";
import { array, nullish, object, string } from "valibot";
import type { Kubectl } from "../cluster/kubectl.ts";
import { Failure } from "../errors.ts";
import { poll } from "../poll.ts";
import { readJson } from "../values/json.ts";
import { printable } from "../values/text.ts";

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

/** What is read of a CSR object (certificates.k8s.io/v1). */
const CONDITION = object({ type: string(), reason: nullish(string()), message: nullish(string()) });
const SIGNING_REQUEST = object({
  status: nullish(object({ certificate: nullish(string()), conditions: nullish(array(CONDITION)) })),
});

/**
 * The certificate in a CSR object (PEM); `undefined` where it is not signed yet.
 * @throws Failure where it never will be: that is of no use to try again.
 */
export function readSigned(name: string, json: string): string | undefined {
  const { certificate, conditions } = readJson(SIGNING_REQUEST, json).status ?? {};
  const refused = conditions?.find(({ type }) => type === "Denied" || type === "Failed");
  if (refused === undefined) return certificate ? Buffer.from(certificate, "base64").toString() : undefined;
  const words = [refused.reason, refused.message].flatMap((each) => (each ? [printable(each)] : [])).join(": ");
  const [what, who] = refused.type === "Denied" ? ["was denied", "denies"] : ["failed to be signed", "signs"];
  throw new Failure(`The certificate request ${name} ${what}: ${words || "no reason is given"}`, {
    fix: `find out what ${who} certificate requests in this cluster (a controller of kind-config's or of the manifests'), and have it leave those of the signer kubernetes.io/kube-apiserver-client alone`,
    retryable: false,
  });
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
  const fetchObject = async () =>
    (await kubectl(["get", "csr", name, "--output=json"], { purpose: "fetching the certificate" })).stdout;
  await approve(kubectl, name, fetchObject);
  const certificate = await poll(async () => readSigned(name, await fetchObject()), {
    everyMilliseconds: 200,
    forMilliseconds: SIGNING_SECONDS * 1000,
  });
  if (certificate !== undefined) return certificate;
  throw new Failure(`The certificate request ${name} was approved, but not signed within ${SIGNING_SECONDS} s.`, {
    fix: "look at the kube-controller-manager's log in the collected logs: it is the signer",
  });
}

async function approve(kubectl: Kubectl, name: string, fetchObject: () => Promise<string>): Promise<void> {
  try {
    await kubectl(["certificate", "approve", name], { purpose: "approving the certificate request" });
  } catch (error) {
    // Of one that is denied kubectl says no more than that.
    const json = await fetchObject().catch(() => undefined);
    if (json !== undefined) readSigned(name, json);
    throw error;
  }
}
