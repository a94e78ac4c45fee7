import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnoseFailure, diagnoseTorch } from "../../../src/torch/diagnosis.ts";

const NOT_SENT = /certificate was not sent/;
const MAY_NOT = /lacks the rights that the connector needs in the cluster/;
const UNTRUSTED = /does not trust the API server/;
const NAME = /not in the API server's certificate/;
const NOT_REACHED = /cannot reach the engine's container/;
const KEY = /does not belong to its certificate/;

/** Words as they were seen in a component's log or in a connector's file, and the cause that they have. */
const CAUSES: readonly (readonly [string, RegExp])[] = [
  ["javax.net.ssl.SSLPeerUnverifiedException: Hostname 10.0.0.1 not verified:\n    certificate: sha256/abc", NAME],
  ["CertificateException: No subject alternative names matching IP address 10.0.0.1 found", NAME],
  ["java.security.cert.CertificateException: No subject alternative DNS name matching x found.", NAME],
  ["sun.security.validator.ValidatorException: PKIX path building failed", UNTRUSTED],
  ["sun.security.validator.ValidatorException: Path does not chain with any of the trust anchors", UNTRUSTED],
  ["[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", UNTRUSTED],
  ["[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4025)", KEY],
  ["Received fatal alert: bad_certificate", KEY],
  ["javax.net.ssl.SSLHandshakeException: Received fatal alert: decrypt_error", KEY],
  ["java.nio.file.AccessDeniedException: /usr/app/resources/torch.key", /cannot read the mounted/],
  ['Failure executing: POST. Message: Unauthorized! "code":401', /does not accept the certificate/],
  ['namespaces "simple" already exists', /namespace exists already/],
  ['{"message":"namespaces is forbidden: User \\"system:anonymous\\" cannot create resource","code":403}', NOT_SENT],
  ['namespaces is forbidden: User "system:anonymous" cannot create resource "namespaces"', NOT_SENT],
  ['deployments.apps is forbidden: User "torch" cannot create', MAY_NOT],
  ['HTTP response body: {"kind":"Status","reason":"Forbidden","code":403}', MAY_NOT],
  ["Back-off pulling image: ImagePullBackOff", /cannot pull an image of the template/],
  ["Bind for 127.0.0.1:8005 failed: port is already allocated", /in use/],
  ["java.lang.OutOfMemoryError: Java heap space", /too little memory/],
  ["ended (exit code 137, killed because the machine ran out of memory)", /too little memory/],
  ["container c ended 4 times (OOMKilled, exit code 137)", /too little memory/],
  ["The service layer ended (exit code 137) before it served.", /SIGKILL/],
  ["write /var/lib/docker/x: no space left on device", /disk/],
  ["java.net.UnknownHostException: other-control-plane", /could not be resolved/],
  ["The dashboard does not launch the template: Failed to connect to e port 8080: Connection refused", NOT_REACHED],
];

test("what Java, OpenSSL, Docker and Kubernetes report names the cause", () => {
  for (const [words, cause] of CAUSES) {
    const diagnosis = diagnoseTorch("services", `noise\n${words}\nnoise`);
    assert.match(diagnosis?.cause ?? `nothing for ${words}`, cause);
    assert.notEqual(diagnosis?.fix, "");
  }
});

test("words without a known cause name none", () => {
  for (const words of ["", "INFO all is well", "server started on port 4030", "SEVERE: Unhandled exception"]) {
    assert.equal(diagnoseTorch("services", words), undefined, words);
  }
});

test("what npm and composer report about TLS and logins has nothing to do with the cluster", () => {
  const words = ["SELF_SIGNED_CERT_IN_CHAIN self signed certificate", "npm ERR! 401 Unauthorized", '"code":403'];
  for (const each of words) assert.equal(diagnoseTorch("dashboard", each), undefined, each);
  assert.match(diagnoseTorch("dashboard", "Could not resolve host: repo")?.cause ?? "", /could not be resolved/);
});

test("what the engine reports about its calls is about the service layer", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["Caused by: java.net.SocketTimeoutException: Read timed out", /did not answer the engine's call in time/],
    ["HttpHostConnectException: Connect to broker:9000 failed: Connection refused", /did not reach the .*broker/],
  ];
  for (const [words, cause] of cases) {
    assert.match(diagnoseTorch("engine", words)?.cause ?? `nothing for ${words}`, cause);
    assert.equal(diagnoseTorch("services", words), undefined);
  }
});

test("a launch that timed out points at the network, unless a component says more", () => {
  const what = "The dashboard does not answer /bpmn-engine: timed out after 120 s";
  const causeWith = (words: string) =>
    diagnoseFailure(what, [
      { component: "engine", words },
      { component: "dashboard", words: "" },
    ])?.cause;
  assert.match(causeWith("Tomcat started on port(s): 8080 (http)") ?? "", NOT_REACHED);
  assert.match(causeWith("java.lang.OutOfMemoryError: Java heap space") ?? "", /too little memory/);
});
