import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseClientKey } from "../../../src/credentials/client-key.ts";
import { createRequest } from "../../../src/credentials/key.ts";
import { makeFolder } from "../builders.ts";
import { openssl } from "../certificates.ts";

const RSA = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const curve = (name: string) => ["genpkey", "-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${name}`];

test("a key in each form that openssl writes gives a request that is its own", async (context) => {
  const folder = await makeFolder(context);
  for (const [make, convert] of [
    [RSA, []],
    [RSA, ["rsa", "-traditional"]],
    [curve("P-256"), []],
    [curve("P-256"), ["ec"]],
    [curve("P-384"), []],
    [curve("P-384"), ["ec", "-param_enc", "explicit"]],
  ] as const) {
    await openssl(folder, ...make, "-out", "made.key");
    await openssl(folder, ...(convert.length > 0 ? convert : ["pkey"]), "-in", "made.key", "-out", "client.key");
    const text = await readFile(join(folder, "client.key"), "utf8");
    const parsed = parseClientKey(text);
    assert.ok("value" in parsed, text.split("\n")[0]);
    const { certificateRequest, privateKey } = await createRequest("torch", [], parsed.value.key);
    assert.match(privateKey, /^-----BEGIN PRIVATE KEY-----/);
    await writeFile(join(folder, "a.csr"), certificateRequest);
    const [theirs, ours] = await Promise.all([
      openssl(folder, "pkey", "-in", "made.key", "-pubout"),
      openssl(folder, "req", "-in", "a.csr", "-noout", "-pubkey", "-verify"),
    ]);
    // With the curve by its name: the API server takes no other request.
    assert.ok(ours.includes(theirs.trim()), ours);
  }
});

test("any other key is refused with what it is, and nothing of it is in a message", async (context) => {
  const folder = await makeFolder(context);
  await openssl(folder, ...RSA, "-out", "plain.key");
  const write = async (...args: readonly string[]) => {
    await openssl(folder, ...args, "-out", "other.key");
    return await readFile(join(folder, "other.key"), "utf8");
  };
  const cases: readonly (readonly [string, RegExp])[] = [
    [await write("pkey", "-in", "plain.key", "-aes256", "-passout", "pass:secret"), /encrypted with a passphrase/],
    [await write("rsa", "-in", "plain.key", "-traditional", "-aes256", "-passout", "pass:secret"), /encrypted/],
    [await write("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), /type rsa of 1024 bits/],
    [await write("genpkey", "-algorithm", "ED25519"), /type ed25519/],
    [await write(...curve("secp256k1")), /type ec on secp256k1/],
    [await write("pkey", "-in", "plain.key", "-pubout"), /is not a private key/],
    ["", /is not a private key/],
    ["-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXdvcmRz\n-----END PRIVATE KEY-----\n", /is not a private key/],
  ];
  for (const [text, reason] of cases) {
    const parsed = parseClientKey(text);
    assert.ok("issue" in parsed, text);
    assert.match(parsed.issue.reason, reason);
    const words = JSON.stringify(parsed.issue);
    for (const line of text.split("\n").filter((each) => each.length > 10 && !each.startsWith("-----"))) {
      assert.ok(!words.includes(line), line);
    }
  }
});
