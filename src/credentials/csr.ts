import { type KeyObject, sign } from "node:crypto";
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
} from "@peculiar/asn1-x509";

/** X.520's common name and organization. */
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";

/** RSA's parameters are NULL (RFC 4055), ECDSA's are absent (RFC 5758). */
const SHA256_WITH_RSA = new AlgorithmIdentifier({ algorithm: "1.2.840.113549.1.1.11", parameters: null });
const ECDSA_WITH_SHA256 = new AlgorithmIdentifier({ algorithm: "1.2.840.10045.4.3.2" });

/** Creates a certificate request (PKCS#10, RFC 2986) in PEM, signed with SHA-256. The key is RSA's or an elliptic curve's. */
export function createCertificateRequest(facts: {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}): string {
  const information = new CertificationRequestInfo({
    subject: new Name([
      ...facts.organizations.map((organization) => named(ORGANIZATION, organization)),
      named(COMMON_NAME, facts.commonName),
    ]),
    subjectPKInfo: AsnConvert.parse(facts.publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
  });
  const signature = sign("sha256", Buffer.from(AsnConvert.serialize(information)), facts.privateKey);
  const request = new CertificationRequest({
    certificationRequestInfo: information,
    signatureAlgorithm: facts.privateKey.asymmetricKeyType === "rsa" ? SHA256_WITH_RSA : ECDSA_WITH_SHA256,
    signature: Uint8Array.from(signature).buffer,
  });
  const body =
    Buffer.from(AsnConvert.serialize(request))
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE REQUEST-----", ...body, "-----END CERTIFICATE REQUEST-----", ""].join("\n");
}

function named(type: string, text: string): RelativeDistinguishedName {
  const value = new AttributeValue({ utf8String: text });
  return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]);
}
