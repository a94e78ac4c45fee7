import { createPrivateKey, X509Certificate } from "node:crypto";
import { Failure } from "../errors.ts";

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

/**
 * Checks that a certificate belongs to the key, was signed by the CA, names the user and is valid now.
 * @throws Failure that names what does not match.
 */
export function checkCertificate(
  files: { readonly certificate: string; readonly privateKey: string; readonly ca: string },
  user: string,
  now: Date,
): CheckedCertificate {
  const refuse = (what: string): never => {
    throw new Failure(`The certificate that the cluster signed ${what}.`, {
      fix: "run the job again; if it fails again, find out which other signer signs certificate requests in this cluster",
    });
  };
  const certificate = readCertificate(files.certificate) ?? refuse("cannot be parsed");
  if (!certificate.checkPrivateKey(createPrivateKey(files.privateKey))) refuse("does not belong to the key");
  if (!certificate.verify(new X509Certificate(files.ca).publicKey)) refuse("is not signed by the cluster's CA");
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  if (commonName !== user) refuse(`names ${commonName ?? "nobody"} instead of ${user}`);
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  if (now < notBefore || now > notAfter)
    refuse(`is valid from ${certificate.validFrom} to ${certificate.validTo} only`);
  return { notBefore, notAfter };
}
