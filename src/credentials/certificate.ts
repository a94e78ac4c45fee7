import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { CLOCK_FIX, Failure } from "../errors.ts";
import { printable } from "../values/text.ts";

/** The validity of a certificate that passed the checks. */
export interface CheckedCertificate {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** Whether a client can use the files: only the first certificate of each has been read until then. */
function isUsable({ certificate, privateKey, ca }: CertificateFiles): boolean {
  try {
    createSecureContext({ cert: certificate, key: privateKey, ca });
    return true;
  } catch {
    return false;
  }
}

/** The files that must belong together, in PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly ca: string;
}

/**
 * Checks that a certificate belongs to the key, was signed by the CA, names the user and is valid now.
 * @throws Failure that names what does not match.
 */
export function checkCertificate(files: CertificateFiles, user: string, now: Date): CheckedCertificate {
  const judged = judgeCertificate(files, user, { from: now, until: now });
  if (typeof judged !== "string") return judged;
  if (OTHER_TIME.test(judged)) {
    const said = `this machine's clock says ${now.toISOString()}`;
    throw new Failure(`The certificate that the cluster signed ${judged}, and ${said}.`, {
      fix: CLOCK_FIX,
      retryable: false,
    });
  }
  throw new Failure(`The certificate that the cluster signed ${judged}.`, {
    fix: "run the job again; if it fails again, find out which other signer signs certificate requests in this cluster",
  });
}

/** What `judgeCertificate` says of a time. */
const OTHER_TIME = /^is valid from /;

/** What does not match in a certificate's files, or how long it is valid. @param needed when it has to be valid. */
export function judgeCertificate(
  files: CertificateFiles,
  user: string,
  needed: { readonly from: Date; readonly until: Date },
): CheckedCertificate | string {
  const certificate = readCertificate(files.certificate);
  if (certificate === undefined) return "cannot be parsed";
  if (!certificate.checkPrivateKey(createPrivateKey(files.privateKey))) return "does not belong to the key";
  const ca = readCertificate(files.ca);
  if (ca === undefined || !certificate.verify(ca.publicKey)) return "is not signed by the cluster's CA";
  if (!isUsable(files)) return "cannot be used for TLS: something else is in its file, or in the CA's";
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  if (commonName !== user)
    return `names ${commonName === undefined ? "nobody" : printable(commonName)} instead of ${user}`;
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  if (needed.from < notBefore || needed.until > notAfter) {
    return `is valid from ${certificate.validFrom} to ${certificate.validTo} only`;
  }
  return { notBefore, notAfter };
}
