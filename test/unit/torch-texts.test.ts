import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { readNodeStates } from "../../src/torch/deployment.ts";
import { diagnoseTorch } from "../../src/torch/diagnosis.ts";
import { readPage } from "../../src/torch/form.ts";
import { excerptBuild, planBuild } from "../../src/torch/images.ts";
import { findDiscovered } from "../../src/torch/readiness.ts";
import { formsOfPem, redact } from "../../src/torch/redaction.ts";
import { only } from "./builders.ts";

const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const BODY = KEY.split("\n").slice(1, -2).join("");

/** Every way in which a key has been seen, or could be, in logs and process variables. */
const WAYS: Readonly<Record<string, string>> = {
  "as it is": KEY,
  "in JSON": JSON.stringify({ key: KEY }),
  "in JSON in JSON": JSON.stringify(JSON.stringify({ key: KEY })),
  "in base64": Buffer.from(KEY).toString("base64"),
  "in base64 without the last line break": Buffer.from(KEY.trim()).toString("base64"),
  "in base64, part of something longer": Buffer.from(`{"a":"b", "key":"${KEY}"}`).toString("base64"),
  "in base64, in lines": (
    Buffer.from(KEY)
      .toString("base64")
      .match(/.{1,76}/g) ?? []
  ).join("\n"),
  "without its frame": BODY,
  "a line of it": BODY.slice(0, 64),
};

for (const [way, text] of Object.entries(WAYS)) {
  test(`a key ${way} is redacted, whatever is around it`, () => {
    const redacted = redact(`before ${text} after`, formsOfPem(KEY));
    assert.match(redacted, /^before /);
    for (let at = 0; at + 40 < text.length; at += 20) {
      const part = text.slice(at, at + 40);
      // The frame of PEM is no secret, and neither is what stood around the key before it was encoded.
      if (/-----/.test(part) || (/longer/.test(way) && at < 60)) continue;
      assert.ok(!redacted.includes(part), `${part} is left of\n${redacted.slice(0, 500)}`);
    }
  });
}

test("a key that nobody told of is redacted by its looks", () => {
  for (const text of [KEY, JSON.stringify(KEY), Buffer.from(KEY).toString("base64"), KEY.slice(0, 300)]) {
    assert.equal(redact(`a ${text} z`, []).includes(BODY.slice(20, 60)), false);
  }
});

test("passwords and tokens lose their value and keep their name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["password=hunter22&x=1", "password=[redacted]&x=1"],
    ['{"password":"hunter22","a":1}', '{"password":"[redacted]","a":1}'],
    ['{\\"password\\": \\"hunter22\\"}', '{\\"password\\": \\"[redacted]\\"}'],
    ["DB_PASSWORD: hunter22", "DB_PASSWORD: [redacted]"],
    ["_token=abc123", "_token=[redacted]"],
    ["Authorization: Basic cmVzdC1hZG1pbjp0ZXN0", "Authorization: Basic [redacted]"],
    ["Bearer abcdefgh.ijk", "Bearer [redacted]"],
    ["a plain line about a password reset", "a plain line about a password reset"],
  ];
  for (const [before, after] of cases) assert.equal(redact(before, []), after);
});

test("a secret that is given is gone, wherever it stands", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 8 }), fc.string(), (before, secret, after) => {
      fc.pre(!"[redacted]".includes(secret));
      assert.ok(!redact(before + secret + after, [secret]).includes(secret) || secret.includes("[redacted]"));
    }),
  );
});

const CAUSES: readonly (readonly [string, RegExp])[] = [
  ["javax.net.ssl.SSLPeerUnverifiedException: Hostname 10.0.0.1 not verified", /not in the API server's certificate/],
  ["CertificateException: No subject alternative names matching IP address 10.0.0.1 found", /not in the API server's/],
  ["sun.security.validator.ValidatorException: PKIX path building failed", /does not trust the API server/],
  ["[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", /does not trust/],
  ["[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4025)", /does not belong to its certificate/],
  ["Received fatal alert: bad_certificate", /does not belong/],
  ['Failure executing: POST. Message: Unauthorized! "code":401', /does not know the certificate/],
  ['namespaces "simple" already exists', /namespace exists already/],
  ['deployments.apps is forbidden: User "torch" cannot create', /may not do/],
  ["Bind for 127.0.0.1:8005 failed: port is already allocated", /in use/],
  ["java.lang.OutOfMemoryError: Java heap space", /too little memory/],
];

test("what Java, OpenSSL, Docker and Kubernetes say names the cause", () => {
  for (const [words, cause] of CAUSES) assert.match(diagnoseTorch(words)?.cause ?? words, cause);
  assert.equal(diagnoseTorch("INFO all is well"), undefined);
});

test("a page's forms, tokens and errors are read as a browser would", () => {
  const page = readPage(`<html><head><title> Torch </title><meta name="csrf-token" content="m"></head><body>
    <div class="alert alert-danger">It was <b>impossible</b><br>to deploy</div>
    <a href="http://localhost/user/7/template">Mine</a>
    <form action="/bpmn-engine" method="POST">
      <input type="hidden" name="_token" value="t&amp;1"><input name="checkPeriod" value="30">
      <input type="radio" name="r" value="a"><input type="radio" name="r" value="b" checked>
      <input type="file" name="yaml_template"><input type="hidden" name="templateID" value="3">
    </form>
    <input type="hidden" name="json_graph" value="{&quot;a&quot;:1}">
    <span class="invalid-feedback">Too short</span></body></html>`);
  assert.equal(page.title, "Torch");
  assert.equal(page.token, "t&1");
  assert.deepEqual(page.links, ["http://localhost/user/7/template"]);
  assert.deepEqual(only(page.forms), {
    action: "/bpmn-engine",
    fields: { _token: "t&1", checkPeriod: "30", r: "b", templateID: "3" },
  });
  assert.equal(page.inputs.json_graph, '{"a":1}');
  assert.deepEqual(page.errors, ["It was impossible to deploy", "Too short"]);
  assert.equal(readPage("").errors.length, 0);
});

test("no page makes the reader throw", () => {
  fc.assert(fc.property(fc.string(), (text) => void readPage(`<form><input name=a>${text}`)));
});

test("a node's state is in the variable of the process that is named after it", () => {
  const variable = (value: unknown) => [{ name: "nodeInfo", value }];
  const states = readNodeStates(
    ["a", "b", "c", "d"],
    [
      { name: "a", variables: variable({ nodeAttributes: { status: "started" } }) },
      { name: "b", variables: variable('{"nodeAttributes":{"status":"ERROR","status_reason":"bad key"}}') },
      { name: "c", variables: variable("no JSON") },
      { name: null, variables: [] },
    ],
  );
  assert.deepEqual(
    states.map(({ node, status, reason }) => `${node} ${status} ${reason}`),
    ["a STARTED no reason is given", "b ERROR bad key", "c waiting no reason is given", "d waiting no reason is given"],
  );
});

test("a discovery is a line of the log", () => {
  const log = "INFO a: Service discovery succeeded\nINFO b: discovery failed\n x discovery succeeded\n";
  assert.deepEqual(findDiscovered(log), ["INFO a: Service discovery succeeded", "x discovery succeeded"]);
});

test("a build's arguments hold no credential, and a cache only where it can be reached", () => {
  const build = { context: "/src/d", dockerfile: "/src/d/Dockerfile", args: { A: "b c" }, target: "prod" };
  const plain = planBuild(build, "i:1", "kind-torch-dashboard", false);
  assert.deepEqual(plain, [
    "buildx",
    "build",
    "--progress=plain",
    "--load",
    "--provenance=false",
    "--tag=i:1",
    "--file=/src/d/Dockerfile",
    "--build-arg=A=b c",
    "--target=prod",
    "/src/d",
  ]);
  const cached = planBuild(build, "i:1", "kind-torch-dashboard", true);
  assert.deepEqual(
    cached.filter((word) => !plain.includes(word)),
    [
      "--cache-from=type=gha,scope=kind-torch-dashboard",
      "--cache-to=type=gha,scope=kind-torch-dashboard,mode=max,ignore-error=true",
    ],
  );
});

test("of a failed build the failing step is told", () => {
  const progress = [
    "#1 [internal] load build definition",
    "#5 [2/2] RUN false",
    "#5 ERROR: process did not complete",
    "------",
    " > [2/2] RUN make:",
    "0.2 make: no rule",
    "------",
    "Dockerfile:2",
    "ERROR: failed to solve",
  ].join("\n");
  assert.match(excerptBuild(progress), /^ > \[2\/2\] RUN make:\n0.2 make: no rule/);
  assert.equal(excerptBuild("a\nERROR: no such builder\n"), "a\nERROR: no such builder");
});
