import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { prepareRedaction, redact, redactJson } from "../../../src/redaction/redact.ts";
import { runBounded } from "../bounded.ts";

const KEYS: Readonly<Record<string, string>> = {
  RSA: exportKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
  EC: exportKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
};

function exportKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const wrap = (text: string, width: number, end = "\n") =>
  (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).join(end);
const bodyOf = (key: string) => key.split("\n").slice(1, -2).join("");
const derOf = (key: string) => Buffer.from(bodyOf(key), "base64");

/** Every way in which a key has been seen, or could be, in logs and process variables. */
const WAYS: Readonly<Record<string, (key: string) => string>> = {
  "as it is": (key) => key,
  "with Windows line breaks": (key) => key.replaceAll("\n", "\r\n"),
  "with a prefix to each line": (key) => key.replace(/^/gm, "svc | "),
  "in JSON": (key) => JSON.stringify({ key }),
  "in JSON in JSON": (key) => JSON.stringify(JSON.stringify({ key })),
  "in JSON as PHP writes it": (key) => JSON.stringify({ key }).replaceAll("/", "\\/"),
  "in JSON as Gson writes it": (key) => JSON.stringify({ key: base64(key) }).replaceAll("=", "\\u003d"),
  "in base64": (key) => base64(key),
  "in base64 without the last line break": (key) => base64(key.trim()),
  "in base64, in lines": (key) => wrap(base64(key), 76),
  "in base64, in lines of Windows": (key) => wrap(base64(key), 64, "\r\n"),
  "in base64, in JSON as PHP writes it": (key) => JSON.stringify({ key: base64(key) }).replaceAll("/", "\\/"),
  "in base64, part of JSON, in lines": (key) => wrap(base64(JSON.stringify({ a: 1, key })), 76),
  "in base64, part of JSON in JSON": (key) => base64(JSON.stringify({ a: 1, b: JSON.stringify({ key }) })),
  "in base64 of base64": (key) => base64(base64(key)),
  "in base64, in a kubeconfig in base64": (key) => base64(`users:\n- user:\n    client-key-data: ${base64(key)}\n`),
  "in a URL": (key) => encodeURIComponent(key),
  "in a form": (key) => new URLSearchParams({ key }).toString(),
  "in base64, in a form": (key) => new URLSearchParams({ key: base64(key) }).toString(),
  "as a list of bytes": (key) => JSON.stringify([...Buffer.from(key)]),
  "as a list of Java's bytes": (key) => JSON.stringify([...derOf(key)].map((byte) => (byte > 127 ? byte - 256 : byte))),
  "without its frame": bodyOf,
  "without its frame, in lines of another width": (key) => wrap(bodyOf(key), 76),
  "without its frame, for a URL": (key) => derOf(key).toString("base64url"),
  "in hex": (key) => derOf(key).toString("hex"),
  "in hex, in pairs": (key) => wrap(derOf(key).toString("hex"), 2, ":"),
  "a line of it": (key) => bodyOf(key).slice(64, 128),
};

for (const [kind, key] of Object.entries(KEYS)) {
  for (const [way, write] of Object.entries(WAYS)) {
    test(`an ${kind} key ${way} is redacted, whatever is around it`, () => {
      const text = write(key);
      const redacted = redact(`before ${text} after`, [key]);
      assert.match(redacted, /^before /);
      assert.match(redacted, / after$/);
      for (let at = 0; at + 24 < text.length; at += 12) {
        const part = text.slice(at, at + 24);
        // The frame of PEM is not a secret, and neither is the beginning that all keys of a kind share.
        if (/-----|PRIVATE/.test(part)) continue;
        assert.ok(!redacted.includes(part), `${part} is left of\n${redacted.slice(0, 500)}`);
      }
    });
  }
}

test("an unknown key is redacted because it looks like one", () => {
  for (const key of Object.values(KEYS)) {
    const body = bodyOf(key);
    const texts = [key, JSON.stringify(key), base64(key), base64(base64(key)), key.slice(0, 300), body];
    for (const text of [...texts, key.replace(/^/gm, "svc | "), encodeURIComponent(key)]) {
      assert.equal(redact(`a ${text} z`, []).includes(text.slice(60, 100)), false, text);
    }
  }
});

test("passwords, tokens and cookies lose their value and keep their name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["password=hunter22&x=1", "password=[redacted]&x=1"],
    ["password=ab,cd;ef x", "password=[redacted] x"],
    ['{"password":"hunter22","a":1}', '{"password":"[redacted]","a":1}'],
    ['{"password":"correct horse","a":1}', '{"password":"[redacted]","a":1}'],
    ['{\\"password\\": \\"hunter22\\"}', '{\\"password\\": \\"[redacted]\\"}'],
    ['{"token": 1234, "a": 1}', '{"token": [redacted], "a": 1}'],
    ["'password' => 'hunter2', 'a' => 1", "'password' => '[redacted]', 'a' => 1"],
    ["DB_PASSWORD: correct horse", "DB_PASSWORD: [redacted]"],
    ["_token=abc123", "_token=[redacted]"],
    ["psql --password hunter2 db", "psql --password [redacted] db"],
    ["client-key-data: abcd", "client-key-data: [redacted]"],
    ["APP_KEY=base64:abcdefghijklmnop==", "APP_KEY=[redacted]"],
    ["api_key=12345678", "api_key=[redacted]"],
    ["mysql://root:hunter2@db/x", "mysql://root:[redacted]@db/x"],
    ["Cookie: laravel_session=eyJpdiI6; XSRF-TOKEN=abc", "Cookie: [redacted]"],
    ["set-cookie: JSESSIONID=ABC; Path=/", "set-cookie: [redacted]"],
    ["Authorization: Basic cmVzdC1hZG1pbjp0ZXN0", "Authorization: Basic [redacted]"],
    ["Authorization: token ghp_abcdefghijkl", "Authorization: [redacted]"],
    ["Bearer abcdefgh.ijk", "Bearer [redacted]"],
    ["a plain line about a password reset", "a plain line about a password reset"],
    [`node/${"a-long-name-".repeat(8)} is ready`, `node/${"a-long-name-".repeat(8)} is ready`],
    [`sha256:${"ab12".repeat(16)}`, `sha256:${"ab12".repeat(16)}`],
  ];
  for (const [before, after] of cases) assert.equal(redact(before, []), after);
});

test("what Flowable prints as a variable is redacted by the variable's name, and texts by what is in them", () => {
  const key = KEYS.RSA ?? "";
  const history = [
    { name: "password", type: "string", value: "hunter2" },
    { name: "nodeInfo", value: JSON.stringify({ private_key: base64(key), status: "STARTED" }) },
    { name: "count", value: 3, token: "x", secretId: null },
  ];
  assert.deepEqual(redactJson(history, prepareRedaction([key])), [
    { name: "password", type: "string", value: "[redacted]" },
    { name: "nodeInfo", value: '{"private_key":"[redacted]","status":"STARTED"}' },
    { name: "count", value: 3, token: "[redacted]", secretId: null },
  ]);
});

test("nothing is left of the base64 of a secret, whatever its length and whatever is before and after it", () => {
  for (let length = 12; length < 24; length += 1) {
    const secret = "s3cr3t-".repeat(4).slice(0, length);
    for (const before of ["", "a", "bc"]) {
      const text = redact(`{"value":"${base64(before + secret)}"}`, [secret]);
      // What is before the secret shares a character with it.
      assert.match(text, /^\{"value":"[A-Za-z0-9+/]{0,3}\[redacted\]"\}$/, `${length} behind ${before.length}`);
    }
  }
});

test("a known secret is removed, wherever it is", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 8 }), fc.string(), (before, secret, after) => {
      fc.pre(!"[redacted]".includes(secret));
      assert.ok(!redact(before + secret + after, [secret]).includes(secret) || secret.includes("[redacted]"));
    }),
  );
});

/** Texts made to keep the search busy forever, by what is repeated in them. */
const HOSTILE: readonly string[] = [
  "\\",
  "token",
  "token\\\\\\\\",
  "token    ",
  "eyJ-",
  "eyJabcdefgh.",
  "-----BEGIN A-----",
  "A\n-----END A-----",
  `${"\n".repeat(38)}!`,
  "password : \n",
  "Authorization: \\",
  "1 , ",
  "%41",
  " ",
  "A",
];

for (const piece of HOSTILE) {
  test(`a megabyte of ${JSON.stringify(piece).slice(0, 30)} is searched in seconds`, async () => {
    const text = `${JSON.stringify(piece)}.repeat(${Math.ceil(1e6 / piece.length)})`;
    const path = JSON.stringify(import.meta.resolve("../../../src/redaction/redact.ts"));
    await runBounded(`import { redact } from ${path}; redact(${text}, []);`);
  });
}

test("a run that is longer than what V8 searches at once is searched, and the key in it is removed", () => {
  const key = KEYS.RSA ?? "";
  const redacted = redact(`${"A".repeat(8_000_000)} ${bodyOf(key)} ${"ab-".repeat(199_990 / 3)}${bodyOf(key)}`, [key]);
  assert.ok(redacted.length > 8_000_000);
  assert.ok(!redacted.includes(bodyOf(key).slice(200, 240)));
});

test("a key whose beginning is cut off is redacted up to its last line, and what is before it is not", () => {
  for (const key of Object.values(KEYS)) {
    for (const way of ["as it is", "with Windows line breaks", "with a prefix to each line", "in JSON", "in a URL"]) {
      const cut = (WAYS[way] ?? String)(key).slice(60);
      const redacted = redact(`a line.\n${cut}\nafter`, []);
      assert.ok(redacted.startsWith("a line."), redacted);
      assert.match(redacted, /after$/);
      for (const from of [0, 20, 60, 80]) {
        const part = cut.slice(from, from + 20);
        assert.ok(/---|END/.test(part) || !redacted.includes(part), `${way}: ${part} is left of ${redacted}`);
      }
    }
  }
});

test("tokens inside a longer word are found", () => {
  const jwt = `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(10)}`;
  for (const before of ["", "x-", "a.", "a.b-eyJ-", "eyJ-eyJ-", '"']) {
    const redacted = redact(`${before}${jwt} z`, []);
    assert.ok(!redacted.includes("bbbb") && !redacted.includes("cccc"), redacted);
  }
});
