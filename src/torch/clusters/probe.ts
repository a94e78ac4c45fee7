import { Agent, request } from "node:https";
import { errorCode } from "../../errors.ts";

/** What one request as the user needs. */
export interface Probe {
  readonly host: string;
  readonly port: number;
  /** The name that the API server's certificate must have. */
  readonly serverName: string;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  /** PEM; a secret. */
  readonly privateKey: string;
}

/** Why the credentials do not open a cluster. */
export type ProbeFailure =
  | { readonly kind: "ca" | "name" | "user" }
  | { readonly kind: "unreachable"; readonly message: string };

const TIMEOUT_MILLISECONDS = 10_000;

/** Every user may ask what it may do, and an anonymous client may not: an answer says that the API server knows the user. */
const PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const REVIEW = JSON.stringify({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec: { resourceAttributes: { verb: "create", group: "apps", resource: "deployments" } },
});

/** Uses credentials once, as the service layer will. @returns why that fails; `undefined` if it does not. */
export function probeAccess({
  host,
  port,
  serverName,
  ca,
  certificate,
  privateKey,
}: Probe): Promise<ProbeFailure | undefined> {
  return new Promise((resolve) => {
    const asked = request(
      {
        ...{ host, port, path: PATH, method: "POST", timeout: TIMEOUT_MILLISECONDS },
        // Verified whatever NODE_TLS_REJECT_UNAUTHORIZED says: the service layer verifies it, too.
        ...{ servername: serverName, ca, cert: certificate, key: privateKey, rejectUnauthorized: true },
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(REVIEW) },
        // An agent of its own uses no proxy, not even with NODE_USE_ENV_PROXY.
        agent: new Agent(),
      },
      (response) => {
        response.resume();
        resolve(judgeStatus(response.statusCode ?? 0));
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${TIMEOUT_MILLISECONDS / 1000} s`)));
    asked.on("error", (error) => resolve(judgeError(error)));
    asked.end(REVIEW);
  });
}

function judgeStatus(status: number): ProbeFailure | undefined {
  if (status === 200 || status === 201) return undefined;
  if (status === 401 || status === 403) return { kind: "user" };
  return { kind: "unreachable", message: `it answers with status ${status}` };
}

/** OpenSSL's words for a server's certificate of another CA, that of the same name among them. */
const OTHER_CA = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_SIGNATURE_FAILURE)/;

function judgeError(error: Error): ProbeFailure {
  const code = errorCode(error) ?? "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return { kind: "name" };
  if (OTHER_CA.test(code)) return { kind: "ca" };
  return { kind: "unreachable", message: error.message };
}
