import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { zipSync } from "fflate";
import { needlesOf, type Secret, secretKey, secretText, secretToken } from "../../e2e/secrets/needles.ts";
import { Search } from "../../e2e/secrets/search.ts";
import { traces } from "../../e2e/secrets/traces.ts";
import { makeAuthority } from "../certificates.ts";
import { packTar } from "../inputs/archives.ts";

const folder = await mkdtemp(join(tmpdir(), "traces-"));
after(() => rm(folder, { recursive: true }));

const PASSWORD = 'p/ss+w"rd-of-a-test\\-7c1';
const password = secretText("password", PASSWORD);

const pemOf = (algorithm: "rsa" | "ec") => {
  const pair =
    algorithm === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
};

/** How a text is written by what could let it out; what is before it moves the groups of base64. */
const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  "base64 at its beginning": (text) => base64(text),
  "base64 one byte later": (text) => base64(`x${text}`),
  "base64 two bytes later": (text) => base64(`xy${text}`),
  base64url: (text) => Buffer.from(text).toString("base64url"),
  "name and password as HTTP and Docker write it": (text) => base64(`puller:${text}`),
  "base64 of base64": (text) => base64(base64(`x${text}`)),
  "base64 three times": (text) => base64(`a: ${base64(`xy${base64(text)}`)}`),
  "hex in small letters": (text) => Buffer.from(text).toString("hex"),
  "hex in capitals": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "hex of base64": (text) => Buffer.from(base64(text)).toString("hex"),
  "a URL": (text) => encodeURIComponent(text),
  "a URL with base64": (text) => encodeURIComponent(base64(text)),
  JSON: (text) => JSON.stringify(text),
  "JSON in JSON": (text) => JSON.stringify(JSON.stringify({ text })),
  "JSON as PHP writes it": (text) => JSON.stringify(text).replaceAll("/", "\\/"),
};
const base64 = (text: string) => Buffer.from(text).toString("base64");
const noise = (length: number) => randomBytes(length).toString("latin1");

for (const [name, encode] of Object.entries(ENCODINGS)) {
  test(`a password is found: ${name}`, () => {
    const found = traces([password])("log", `${noise(100)}${encode(PASSWORD)}${noise(100)}`);
    assert.ok(found.length > 0);
    assert.ok(found.every(({ what, place }) => what.startsWith("password") && place === "log"));
  });
  // What a kubeconfig has is a key in base64 twice: its PEM is base64 already.
  if (name === "base64 three times") continue;
  for (const algorithm of ["rsa", "ec"] as const) {
    test(`a key in PEM is found: ${name}, ${algorithm}`, () => {
      const pem = pemOf(algorithm);
      assert.ok(traces([secretKey("key", pem)])("log", encode(pem)).length > 0);
    });
  }
}

test("a key is found in DER, whatever form of key it is, and by a line of its PEM alone", () => {
  const pem = pemOf("rsa");
  const find = traces([secretKey("key", pem)]);
  const key = createPrivateKey(pem);
  for (const type of ["pkcs8", "pkcs1"] as const) {
    assert.ok(find("der", key.export({ type, format: "der" })).length > 0, type);
    const lines = key.export({ type, format: "pem" }).toString().trim().split("\n");
    // The first lines have the modulus, which is public.
    for (const line of lines.slice(9, -2)) assert.ok(find("line", `> ${line}\r\n`).length > 0, line);
  }
});

test("what each piece of a secret has to be escaped in is found escaped", () => {
  const special = "??>~/?>>~/??>>~/?>??>>~/";
  const find = traces([secretText("special", special)]);
  const forms = [
    ...[Buffer.from(special).toString("base64url"), Buffer.from(`x${special}`).toString("base64url")],
    ...[JSON.stringify(special).replaceAll("/", "\\/"), JSON.stringify(base64(special)).replaceAll("/", "\\/")],
    ...[encodeURIComponent(special), encodeURIComponent(base64(special)), encodeURIComponent(special).toLowerCase()],
  ];
  for (const form of forms) assert.ok(find("log", form).length > 0, form);
});

test("half of a secret is found too", () => {
  const find = traces([password]);
  assert.ok(find("log", PASSWORD.slice(0, 23)).length > 0);
  assert.ok(find("log", PASSWORD.slice(1)).length > 0);
});

test("what is public is not a trace: the key's certificate, a token's head", async () => {
  const certificate = await makeAuthority(folder, "own");
  const privateKey = await readFile(join(folder, "own.key"), "utf8");
  const find = traces([secretKey("key", privateKey)]);
  assert.deepEqual(find("certificate", certificate), []);
  assert.deepEqual(find("base64", base64(certificate)), []);
  assert.deepEqual(find("der", new X509Certificate(certificate).raw), []);
  assert.ok(find("key", privateKey).length > 0);
  const head = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url");
  const token = `${head}.${noise(40)}.${noise(40)}`;
  assert.deepEqual(traces([secretToken("token", token)])("log", `${head}.another`), []);
  assert.ok(traces([secretToken("token", token)])("log", token).length > 0);
});

test("another key encrypted, another password and noise are not traces", () => {
  const pem = pemOf("rsa");
  const find = traces([secretKey("key", pem), password]);
  const encrypted = createPrivateKey(pem).export({
    ...{ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSWORD },
  });
  for (const other of [encrypted, pemOf("rsa"), randomBytes(3_000_000)]) assert.deepEqual(find("other", other), []);
});

async function tarOf(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const path = join(folder, "archive.tar");
  await packTar(path, files);
  return await readFile(path);
}

test("secrets are found in archives in archives", async () => {
  // So much of it that it is compressed indeed.
  const secret = Buffer.from(`${base64(noise(20_000))}${base64(PASSWORD)}`);
  const tar = await tarOf({ "a/b": Buffer.from("nothing"), "a/c.gz": gzipSync(secret) });
  const archives = {
    gzip: gzipSync(secret),
    zstd: zstdCompressSync(secret),
    zip: zipSync({ "a/b": secret }),
    tar: await tarOf({ a: secret }),
    "tar, gzip": tar,
    "gzip, tar, gzip": gzipSync(tar),
    "zip, gzip, tar, gzip": zipSync({ "t.tgz": gzipSync(tar) }),
    "tar, zip, zstd": await tarOf({ z: Buffer.from(zipSync({ z: zstdCompressSync(secret) })) }),
  };
  const find = traces([password]);
  for (const [name, archive] of Object.entries(archives)) assert.ok(find("file", archive).length > 0, name);
  assert.deepEqual(
    find("file", archives["zip, gzip, tar, gzip"]).map(({ place }) => place),
    ["file > t.tgz > gzip > a/c.gz > gzip"],
  );
  // A damaged archive is searched as it is.
  assert.ok(find("file", Buffer.concat([Buffer.from([0x1f, 0x8b]), secret])).length > 0);
});

test("the search for many needles finds each, at every place", () => {
  const secrets: Secret[] = Array.from({ length: 20 }, (_, index) => secretText(`s${index}`, noise(40)));
  const needles = needlesOf(secrets);
  const search = new Search(needles);
  for (const { bytes } of needles) {
    const before = randomBytes(Math.floor(Math.random() * 40));
    assert.ok(search.find(Buffer.concat([before, bytes])).size > 0);
    assert.ok(search.find(Buffer.concat([before, bytes, before])).size > 0);
    assert.equal(search.find(Buffer.concat([before, bytes.subarray(1, 15)])).size, 0);
  }
});

test("a secret that is so short that it could be there by chance is refused", () => {
  assert.throws(() => traces([secretText("pin", "123456789012345")]), /15 bytes/);
});
