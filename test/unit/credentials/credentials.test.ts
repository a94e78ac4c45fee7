import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { checkCertificate } from "../../../src/credentials/certificate.ts";
import {
  credentialFiles,
  credentialPaths,
  findMissingFolders,
  findPresentFiles,
  makeDirectory,
  writeNewFile,
} from "../../../src/credentials/files.ts";
import { createKey, createRequest, encryptKey, type KeyAlgorithm } from "../../../src/credentials/key.ts";
import { adminKubeconfig, readAdminAccess, userKubeconfig } from "../../../src/credentials/kubeconfig.ts";
import { gatherPublicFiles } from "../../../src/credentials/publication.ts";
import { planRbac } from "../../../src/credentials/rbac.ts";
import { planSigningRequest, readSigned } from "../../../src/credentials/sign.ts";
import { Failure } from "../../../src/errors.ts";
import { makeFolder } from "../builders.ts";
import { makeAuthority, openssl, signRequest } from "../certificates.ts";

const createKeyAndRequest = async (user: string, groups: readonly string[], algorithm: KeyAlgorithm) =>
  createRequest(user, groups, await createKey(algorithm));

const ALGORITHMS: readonly KeyAlgorithm[] = ["rsa-2048", "ecdsa-p256"];

// Key and request

test("openssl verifies the request, and reads the user and the groups in it", async (context) => {
  const folder = await makeFolder(context);
  for (const algorithm of ALGORITHMS) {
    const made = await createKeyAndRequest("torch", ["dev", "system:authenticated"], algorithm);
    await writeFile(join(folder, "a.csr"), made.certificateRequest);
    const printed = await openssl(
      folder,
      "req",
      "-in",
      "a.csr",
      "-noout",
      "-verify",
      "-subject",
      "-nameopt",
      "sep_multiline",
    );
    assert.match(printed, /self-signature verify OK/);
    assert.match(printed, /CN=torch/);
    assert.match(printed, /O=dev\n\s*O=system:authenticated/);
    const text = await openssl(folder, "req", "-in", "a.csr", "-noout", "-text");
    assert.match(text, algorithm === "rsa-2048" ? /Public-Key: \(2048 bit\)/ : /prime256v1/);
    assert.match(text, algorithm === "rsa-2048" ? /sha256WithRSAEncryption/ : /ecdsa-with-SHA256/);
  }
});

test("the request is for the key that comes with it, and no two keys are the same", async (context) => {
  const folder = await makeFolder(context);
  const [first, second] = await Promise.all([1, 2].map(() => createKeyAndRequest("torch", [], "ecdsa-p256")));
  assert.ok(first !== undefined && second !== undefined);
  assert.notEqual(first.privateKey, second.privateKey);
  await writeFile(join(folder, "a.csr"), first.certificateRequest);
  const publicKey = await openssl(folder, "req", "-in", "a.csr", "-noout", "-pubkey");
  const expected = createPublicKey(createPrivateKey(first.privateKey)).export({ type: "spki", format: "pem" });
  assert.equal(publicKey, expected);
});

test("the key is encrypted with AES-256, and only the passphrase opens it", async (context) => {
  const folder = await makeFolder(context);
  const { privateKey } = await createKeyAndRequest("torch", [], "ecdsa-p256");
  const passphrase = "päss 'word' $(id)\"";
  const encrypted = encryptKey(privateKey, passphrase);
  assert.match(encrypted, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  await writeFile(join(folder, "a.key"), encrypted);
  await writeFile(join(folder, "right"), `${passphrase}\n`);
  await writeFile(join(folder, "wrong"), "wrong\n");
  assert.match(await openssl(folder, "asn1parse", "-in", "a.key"), /aes-256-cbc/);
  const opened = await openssl(folder, "pkey", "-in", "a.key", "-passin", "file:right");
  assert.equal(opened.trim(), privateKey.trim());
  await assert.rejects(openssl(folder, "pkey", "-in", "a.key", "-passin", "file:wrong"));
  await assert.rejects(openssl(folder, "pkey", "-in", "a.key", "-passin", "pass:"));
});

test("the signing request asks the cluster's own signer for a client certificate, under a name of its own", () => {
  const plan = planSigningRequest("torch", "the request", 86400, "0a1b");
  assert.equal(plan.metadata.name, "torch-0a1b");
  assert.equal(plan.spec.signerName, "kubernetes.io/kube-apiserver-client");
  assert.equal(plan.spec.expirationSeconds, 86400);
  assert.deepEqual(plan.spec.usages, ["client auth"]);
  assert.equal(Buffer.from(plan.spec.request, "base64").toString(), "the request");
});

test("a request that is denied, or that its signer gave up, is named in the words of who did it, and not tried again", () => {
  const read = (status: object) => readSigned("torch-0a1b", JSON.stringify({ status }));
  const approved = { type: "Approved", status: "True" };
  assert.equal(read({ conditions: [approved], certificate: Buffer.from("PEM").toString("base64") }), "PEM");
  for (const status of [{}, { conditions: [approved] }, { conditions: null, certificate: "" }]) {
    assert.equal(read(status), undefined);
  }
  assert.equal(readSigned("torch-0a1b", "{}"), undefined);
  for (const [type, said, words] of [
    ["Denied", { reason: "Policy", message: "not\u001bhere" }, /torch-0a1b was denied: Policy: not\\u\{1b\}here$/],
    ["Failed", { reason: "SignerValidationFailure" }, /failed to be signed: SignerValidationFailure$/],
    ["Denied", {}, /was denied: no reason is given$/],
  ] as const) {
    assert.throws(
      () => read({ conditions: [approved, { type, status: "True", ...said }] }),
      (error) => error instanceof Failure && !error.retryable && words.test(error.message) && error.fix !== undefined,
    );
  }
});

// Certificate

test("a certificate that matches the key, the CA and the user is accepted with its dates", async (context) => {
  const folder = await makeFolder(context);
  const ca = await makeAuthority(folder, "ca");
  for (const algorithm of ALGORITHMS) {
    const { privateKey, certificateRequest } = await createKeyAndRequest("torch", ["dev", "CN=root"], algorithm);
    const certificate = await signRequest(folder, "ca", certificateRequest);
    const now = new Date();
    const { notBefore, notAfter } = checkCertificate({ certificate, privateKey, ca }, "torch", now);
    assert.ok(notBefore <= now && now < notAfter);
  }
});

test("a certificate of another key, CA, user or time is refused with what does not match", async (context) => {
  const folder = await makeFolder(context);
  const ca = await makeAuthority(folder, "ca");
  const other = await makeAuthority(folder, "other");
  const [mine, theirs] = await Promise.all([1, 2].map(() => createKeyAndRequest("torch", [], "ecdsa-p256")));
  assert.ok(mine !== undefined && theirs !== undefined);
  const certificate = await signRequest(folder, "ca", mine.certificateRequest);
  const good = { certificate, privateKey: mine.privateKey, ca };
  const now = Date.now();
  const day = 24 * 3600 * 1000;
  const cases: readonly (readonly [typeof good, string, number, RegExp])[] = [
    [{ ...good, privateKey: theirs.privateKey }, "torch", now, /does not belong to the key/],
    [{ ...good, ca: other }, "torch", now, /not signed by the cluster's CA/],
    [good, "torc", now, /names torch instead of torc/],
    [good, "torch", now - day, /valid from/],
    [good, "torch", now + 2 * day, /valid from/],
  ];
  for (const [files, user, time, message] of cases) {
    assert.throws(
      () => checkCertificate(files, user, new Date(time)),
      (error) => error instanceof Failure && message.test(error.message),
    );
  }
});

test("a group that pretends to be a common name does not turn the certificate into another user's", async (context) => {
  const folder = await makeFolder(context);
  const ca = await makeAuthority(folder, "ca");
  const { privateKey, certificateRequest } = await createKeyAndRequest("mallory", ["x\nCN=torch"], "ecdsa-p256");
  const certificate = await signRequest(folder, "ca", certificateRequest);
  assert.throws(() => checkCertificate({ certificate, privateKey, ca }, "torch", new Date()), Failure);
});

test("what is not a certificate is refused with a failure that says so", async (context) => {
  const folder = await makeFolder(context);
  const ca = await makeAuthority(folder, "ca");
  const { privateKey } = await createKeyAndRequest("torch", [], "ecdsa-p256");
  for (const certificate of ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    assert.throws(() => checkCertificate({ certificate, privateKey, ca }, "torch", new Date()), Failure);
  }
});

// Kubeconfigs

const base64 = (text: string) => Buffer.from(text).toString("base64");
const ADMIN = stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    { name: "kind-c", cluster: { server: "https://0.0.0.0:1234", "certificate-authority-data": base64("CA\n") } },
  ],
  users: [
    { name: "kind-c", user: { "client-certificate-data": base64("CERT\n"), "client-key-data": base64("KEY\n") } },
  ],
  contexts: [{ name: "kind-c", context: { cluster: "kind-c", user: "kind-c" } }],
  "current-context": "kind-c",
});

test("kubeadm's admin.conf is read", () => {
  assert.deepEqual(readAdminAccess(ADMIN), {
    clientCertificate: base64("CERT\n"),
    ca: "CA\n",
    clientKey: "KEY\n",
    clientKeyData: base64("KEY\n"),
  });
});

test("what is not a kubeconfig is refused with a failure that says so", () => {
  const broken = ["", "null", "words", "[]", "{}", "clusters: []\nusers: []", "clusters: [{}]\nusers: [{}]", "{", "\0"];
  const lacking = ADMIN.replace(/client-key-data: .*\n/, "");
  for (const text of [...broken, lacking]) assert.throws(() => readAdminAccess(text), Failure, JSON.stringify(text));
});

test("the admin's kubeconfig has kind's names, and opens the same cluster by another address", () => {
  const text = adminKubeconfig(readAdminAccess(ADMIN), "https://127.0.0.1:1234", "kind-c");
  assert.deepEqual(parse(text), parse(ADMIN.replace("0.0.0.0", "127.0.0.1")));
});

test("the user's kubeconfig refers to files next to it and holds no data, for any name", () => {
  const name = fc.oneof(
    fc.constantFrom("torch", "null", "true", "1e3", "0x1f", "1.28", "no"),
    fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
  );
  fc.assert(
    fc.property(name, (user) => {
      const text = userKubeconfig({ context: `${user}@kind-c`, cluster: "c", user, server: "https://127.0.0.1:1" });
      const config = parse(text);
      assert.doesNotMatch(text, /-data|PRIVATE/);
      assert.equal(config.users[0].name, user);
      assert.deepEqual(config.users[0].user, {
        "client-certificate": `${user}-signed.crt`,
        "client-key": `${user}.key`,
      });
      assert.equal(config.clusters[0].cluster["certificate-authority"], "ca.crt");
      assert.deepEqual(config.contexts[0], { name: config["current-context"], context: { cluster: "c", user } });
    }),
  );
});

// Rights

interface Rights {
  readonly items: readonly {
    readonly kind: string;
    readonly roleRef?: { readonly name: string };
    readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
    readonly rules?: readonly {
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
    }[];
  }[];
}

function rightsOf(...args: Parameters<typeof planRbac>): Rights {
  const rights: Rights = JSON.parse(JSON.stringify(planRbac(...args)));
  return rights;
}

test("no rights need no objects", () => {
  assert.equal(planRbac("none", "torch"), undefined);
});

test("TORCH's rights are deployments, services, pods and namespaces, and nothing that gives rights", () => {
  const { items } = rightsOf("torch", "torch");
  const rules = items.flatMap((item) => item.rules ?? []);
  const may = (verb: string, group: string, resource: string) =>
    rules.some(
      (rule) => rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb),
    );
  for (const [group, resource] of [
    ["apps", "deployments"],
    ["", "services"],
    ["", "pods"],
    ["", "namespaces"],
  ] as const) {
    assert.ok(may("create", group, resource), resource);
  }
  assert.ok(!rules.some((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs].includes("*")));
  assert.doesNotMatch(JSON.stringify(rules), /secrets|roles|bindings|escalate|impersonate|serviceaccounts/);
});

test("rights are bound to the user by name and to nobody else", () => {
  for (const mode of ["torch", "cluster-admin"] as const) {
    const { items } = rightsOf(mode, "alice");
    const bindings = items.filter((item) => item.kind === "ClusterRoleBinding");
    assert.equal(bindings.length, 1);
    assert.deepEqual(
      bindings[0]?.subjects?.map((subject) => [subject.kind, subject.name]),
      [["User", "alice"]],
    );
    const role = bindings[0]?.roleRef?.name;
    assert.ok(role === "cluster-admin" ? mode === "cluster-admin" : items.some((item) => item.kind === "ClusterRole"));
  }
});

// Files

test("a secret file is readable by its owner alone, whatever the umask, and the others by everyone", async (context) => {
  const folder = await makeFolder(context);
  const before = process.umask(0);
  try {
    await writeNewFile({ path: join(folder, "a.key"), text: "key", secret: true });
    await writeNewFile({ path: join(folder, "a.crt"), text: "certificate", secret: false });
    await makeDirectory(join(folder, "made"));
  } finally {
    process.umask(before);
  }
  const mode = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
  assert.deepEqual([await mode("a.key"), await mode("a.crt"), await mode("made")], [0o600, 0o644, 0o700]);
});

test("an existing file is never overwritten, and neither is a link to another place", async (context) => {
  const folder = await makeFolder(context);
  await writeFile(join(folder, "mine"), "mine");
  await symlink(join(folder, "mine"), join(folder, "link"));
  await symlink(join(folder, "nowhere"), join(folder, "dangling"));
  for (const name of ["mine", "link", "dangling"]) {
    await assert.rejects(writeNewFile({ path: join(folder, name), text: "key", secret: true }), Failure);
  }
  assert.equal(await readFile(join(folder, "mine"), "utf8"), "mine");
  assert.ok(!(await readdir(folder)).includes("nowhere"));
});

test("existing files are found, dangling links too", async (context) => {
  const folder = await makeFolder(context);
  const paths = credentialPaths(folder, "torch");
  assert.deepEqual(await findPresentFiles(paths), []);
  await writeFile(paths.privateKey, "");
  await symlink(join(folder, "nowhere"), paths.ca);
  assert.deepEqual((await findPresentFiles(paths)).toSorted(), [paths.ca, paths.privateKey].toSorted());
});

test("the folders that a run will create are known before, innermost first", async (context) => {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "there"));
  const directory = join(folder, "there", "a", "b");
  assert.deepEqual(await findMissingFolders(directory), [directory, join(folder, "there", "a")]);
  assert.deepEqual(await findMissingFolders(folder), []);
});

test("the files of a user have the guide's names, each its own", () => {
  const paths = credentialPaths("/c", "torch");
  assert.deepEqual(credentialFiles(paths), ["/c/ca.crt", "/c/torch-signed.crt", "/c/torch.key", "/c/torch.kubeconfig"]);
  for (const user of ["ca", "ca.crt", "torch-signed", "key"]) {
    assert.equal(new Set(credentialFiles(credentialPaths("/c", user))).size, 4, user);
  }
});

test("the artifact never holds the key in the clear, and holds it encrypted only for a passphrase", async (context) => {
  const folder = await makeFolder(context);
  const { privateKey } = await createKeyAndRequest("torch", [], "ecdsa-p256");
  const paths = credentialPaths(folder, "torch");
  for (const path of credentialFiles(paths)) await writeFile(path, path === paths.privateKey ? privateKey : "public");
  await chmod(paths.privateKey, 0o600);

  const open = await gatherPublicFiles(paths, undefined);
  assert.deepEqual(open.files.toSorted(), [paths.ca, paths.certificate, paths.userKubeconfig].toSorted());

  const directory = join(folder, "artifact");
  const closed = await gatherPublicFiles(paths, { privateKey, passphrase: "correct horse", directory });
  assert.equal(closed.files.length, 4);
  const secret = privateKey.split("\n").slice(1, -2);
  for (const file of [...open.files, ...closed.files]) {
    const text = await readFile(file, "utf8");
    for (const line of secret) assert.ok(!text.includes(line), file);
  }
  const key = closed.files.find((file) => file.endsWith(".key")) ?? "";
  const opened = createPrivateKey({ key: await readFile(key, "utf8"), passphrase: "correct horse" });
  assert.equal(opened.export({ type: "pkcs8", format: "pem" }), privateKey);
});
