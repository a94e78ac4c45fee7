import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { baseUrl, hostName, ipAddress } from "../../../src/values/addresses.ts";
import { boolean, oneOf, wholeNumber } from "../../../src/values/choices.ts";
import { duration, parseDuration } from "../../../src/values/durations.ts";
import { imageReference } from "../../../src/values/images.ts";
import type { Parsed } from "../../../src/values/issue.ts";
import { artifactName, clusterName, userName } from "../../../src/values/names.ts";
import { pathWithin } from "../../../src/values/paths.ts";
import { splitList } from "../../../src/values/text.ts";
import { digest, readValue } from "../builders.ts";

const HOSTILE = [
  "",
  " ",
  "\0",
  "-0",
  "−5",
  "٣",
  "３",
  "1\n2",
  "1\r",
  "\t1",
  "1e3",
  "0x10",
  "NaN",
  "Infinity",
  "__proto__",
  "constructor",
  "toString",
  "$(id)",
  "`id`",
  "; rm -rf /",
  "a\u202eb",
  "ﬀ",
  "9".repeat(400),
];

test("a duration is the sum of its parts, exact to the nanosecond", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["0s", 0],
    ["90s", 90],
    ["5m", 300],
    ["1h30m", 5400],
    ["1h1m1s1ms", 3661.001],
    ["1.5h", 5400],
    ["1.1h", 3960],
    ["16.1h", 57960],
    ["8760h", 31_536_000],
    ["1500ms", 1.5],
    ["1us", 1e-6],
    ["1µs", 1e-6],
    ["10ns", 1e-8],
  ];
  for (const [text, seconds] of cases) assert.equal(parseDuration(text), seconds, text);
});

test("what Go does not write as a duration is none", () => {
  const cases = [
    "5",
    "m",
    "5 m",
    "5m ",
    "-5m",
    "+5m",
    "5M",
    "5min",
    "1d",
    "1,5h",
    "5m\n",
    "٥m",
    "5m30",
    "1..5h",
    "1e3s",
  ];
  for (const text of [...HOSTILE, ...cases]) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
  assert.equal(parseDuration(`${"9".repeat(400)}h`), undefined);
});

test("no text gives a duration that is negative or no number", () => {
  const like = fc.string({ unit: fc.constantFrom(..."0159.hmsnuµ- "), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      const seconds = parseDuration(text);
      assert.ok(seconds === undefined || (Number.isFinite(seconds) && seconds >= 0 && !Object.is(seconds, -0)));
    }),
  );
});

test("hours, minutes and seconds of any size are read back", () => {
  const part = fc.nat({ max: 100_000 });
  fc.assert(
    fc.property(part, part, part, (h, m, s) => assert.equal(parseDuration(`${h}h${m}m${s}s`), h * 3600 + m * 60 + s)),
  );
});

test("the bounds of a duration belong to it", () => {
  const lifetime = duration({ min: "10m", max: "8760h" });
  const cases: readonly (readonly [string, boolean])[] = [
    ["10m", true],
    ["600s", true],
    ["8760h", true],
    ["9m59.9s", false],
    ["8760h0.1s", false],
    ["0", false],
    ["999999999999999h", false],
  ];
  for (const [text, good] of cases) assert.equal("value" in lifetime(text), good, text);
});

test("a whole number is digits within its bounds", () => {
  const parse = wholeNumber(0, 50);
  for (const [text, value] of [
    ["0", 0],
    ["50", 50],
    ["007", 7],
  ] as const)
    assert.equal(readValue(parse(text)), value);
  for (const text of [...HOSTILE, "51", "-1", "+1", "1.0", "1_0", "1,0", "1 0"]) {
    assert.equal(readValue(parse(text)), undefined, JSON.stringify(text));
  }
});

test("a whole number that is accepted is a safe integer between the bounds", () => {
  const bounds = fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(bounds, fc.oneof(fc.string(), fc.bigInt().map(String), fc.double().map(String)), ([min, max], text) => {
      const value = readValue(wholeNumber(min, max)(text));
      if (value === undefined) return;
      assert.ok(Number.isSafeInteger(value) && value >= min && value <= max);
      assert.equal(BigInt(text), BigInt(value));
    }),
  );
});

test("a boolean is YAML 1.2's and nothing that merely looks true", () => {
  for (const text of ["true", "True", "TRUE"]) assert.equal(readValue(boolean(text)), true);
  for (const text of ["false", "False", "FALSE"]) assert.equal(readValue(boolean(text)), false);
  for (const text of [...HOSTILE, "yes", "on", "1", "tRUE", "true "]) assert.equal(readValue(boolean(text)), undefined);
});

test("a choice is one of the words, and a name of Object's is none", () => {
  const parse = oneOf(["fail", "replace"]);
  assert.equal(readValue(parse("replace")), "replace");
  for (const text of [...HOSTILE, "Fail", "fail,replace"]) assert.equal(readValue(parse(text)), undefined, text);
});

test("a cluster's name is one of which kind, Docker and Kubernetes can name nodes", () => {
  const good = ["a", "0", "bologna", "a-b", "a--b", "a.b", "ci-1.28", "a-", "a".repeat(63)];
  const bad = [
    "A",
    "a..b",
    ".a",
    "a.",
    "a-.b",
    "a.-b",
    "-a",
    "a_b",
    "a b",
    "a\n",
    "bölogna",
    "a/b",
    "..",
    "a".repeat(64),
    "K",
  ];
  for (const text of good) assert.equal(readValue(clusterName(text)), text);
  for (const text of [...HOSTILE.filter((item) => !/^(?:constructor|1e3|0x10|9+)$/.test(item)), ...bad]) {
    assert.equal(readValue(clusterName(text)), undefined, JSON.stringify(text));
  }
});

test("a user's name is safe as a file's name and in the name of a certificate request", () => {
  const good = ["torch", "t", "a.b", "a-b.c-d", "0", "a".repeat(63)];
  const bad = [
    "Torch",
    "a/b",
    "../a",
    "a..b",
    ".a",
    "a.",
    "-a",
    "a-",
    "a.-b",
    "a-.b",
    "system:admin",
    "a b",
    "a,b",
    "a=b",
  ];
  for (const text of good) assert.equal(readValue(userName(text)), text);
  for (const text of [...bad, "a".repeat(64), "törch"]) assert.equal(readValue(userName(text)), undefined, text);
});

test("every accepted user's name makes a name that Kubernetes takes for an object", () => {
  const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const like = fc.string({ unit: fc.constantFrom(..."ab0.-"), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      const user = readValue(userName(text));
      if (user !== undefined) assert.match(`${user}-0a1b2c3d`, subdomain);
    }),
    { numRuns: 1000 },
  );
});

test("a name for the certificate is a host name or an address", () => {
  const good = ["docker", "docker.example", "*.example.org", "10.0.0.1", "::1", "fd00::1", "a-b.c", "1password.com"];
  const bad = [
    "https://a",
    "a:6443",
    "a/b",
    "a b",
    "a_b",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a.",
    "*",
    "*.*.a",
    "a.*",
    "[::1]",
  ];
  for (const text of good) assert.equal(readValue(hostName(text)), text);
  for (const text of [...bad, "10.0.0.1/24", "x".repeat(64), `${"a.".repeat(127)}a`, "bücher.example", "256.1.1.1"]) {
    assert.equal(readValue(hostName(text)), undefined, text);
  }
});

test("every accepted name for the certificate is one that kubeadm accepts", () => {
  // kubeadm: a lower-case DNS-1123 subdomain, a wildcard one, or what Go parses as an address (no zone).
  const subdomain = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const fixed = fc.constantFrom("Docker.Example", "fe80::1%eth0", "FE80::1", "LOCALHOST", "::ffff:127.0.0.1");
  const like = fc.string({ unit: fc.constantFrom(..."abAB01.-*:%"), maxLength: 10 });
  fc.assert(
    fc.property(fc.oneof(fixed, fc.domain(), fc.ipV4(), fc.ipV6(), like), (text) => {
      const name = readValue(hostName(text));
      if (name === undefined) return;
      assert.ok((isIP(name) !== 0 && !name.includes("%")) || (name.length <= 253 && subdomain.test(name)), name);
    }),
    { numRuns: 1000 },
  );
});

test("an address to listen on is written in digits, without a zone", () => {
  for (const text of ["127.0.0.1", "0.0.0.0", "::", "::1", "192.168.1.7"])
    assert.equal(readValue(ipAddress(text)), text);
  const bad = ["localhost", "127.1", "0127.0.0.1", "127.0.0.1:80", "256.0.0.1", "1.2.3", "2130706433", "fe80::1%eth0"];
  for (const text of [...HOSTILE, ...bad]) assert.equal(readValue(ipAddress(text)), undefined, JSON.stringify(text));
});

test("an image has a tag or a digest", () => {
  const sum = digest("ab");
  const good = [
    "kindest/node:v1.28.15",
    `kindest/node@${sum}`,
    `kindest/node:v1.28.15@${sum}`,
    "registry.example:5000/a/b_c/d-e:latest",
    "localhost:5000/node:v1.31.9",
    "node:1",
    `node:${"t".repeat(128)}`,
  ];
  const bad = [
    "kindest/node",
    "localhost:5000/node",
    "kindest/node:",
    "Kindest/Node:v1:2",
    "kindest/Node:v1",
    "https://registry.example/node:v1",
    "kindest/node@sha256:abc",
    `kindest/node@${sum.toUpperCase()}`,
    `kindest/node@${sum}0`,
    "a b:1",
    "a:1 --all",
    "a:1\n",
    "-x/a:1",
    "--all/x:1",
    "a//b:1",
    "a..b:1",
    "a___b:1",
    "/a:1",
    "a/:1",
    `node:${"t".repeat(129)}`,
    `${"a".repeat(600)}:1`,
  ];
  for (const text of good) assert.equal(readValue(imageReference(text)), text);
  for (const text of [...HOSTILE, ...bad]) assert.equal(readValue(imageReference(text)), undefined, text);
});

test("every accepted image follows Docker's own grammar, so that it can never be an option", () => {
  const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const grammar = new RegExp(
    `^(?:${label}(?:\\.${label})*(?::[0-9]+)?/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."aA0./:_-"), maxLength: 10 }), (start) => {
      const text = `${start}:1`;
      const image = readValue(imageReference(text));
      if (image !== undefined) assert.match(image, grammar);
    }),
    { numRuns: 2000 },
  );
});

test("a base URL loses its trailing slashes", () => {
  assert.equal(readValue(baseUrl("https://mirror.example/dl//")), "https://mirror.example/dl");
  assert.equal(readValue(baseUrl("http://127.0.0.1:8080")), "http://127.0.0.1:8080");
  for (const text of [
    ...HOSTILE,
    "mirror.example/dl",
    "ftp://a/b",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://",
  ]) {
    assert.equal(readValue(baseUrl(text)), undefined, JSON.stringify(text));
  }
});

test("the official path under every accepted base URL stays the path's end", () => {
  const fixed = fc.constantFrom(
    "https://h?",
    "https://h#",
    "https://h/dl?",
    "https://h/dl/#",
    "https://h/a?b",
    "https://h/",
  );
  fc.assert(
    fc.property(fc.oneof(fixed, fc.webUrl({ withQueryParameters: true, withFragments: true })), (text) => {
      const base = readValue(baseUrl(text));
      if (base === undefined) return;
      const url = new URL(`${base}/v0.25.0/kind-linux-amd64`);
      assert.ok(url.pathname.endsWith("/v0.25.0/kind-linux-amd64"), url.href);
      assert.equal(url.search + url.hash, "");
    }),
  );
});

test("a path stays in the workspace or the temporary folder", () => {
  const parse = pathWithin(["/ws/repo", "/tmp/runner"]);
  const good: readonly (readonly [string, string])[] = [
    ["kind.yaml", "/ws/repo/kind.yaml"],
    ["./a/../b", "/ws/repo/b"],
    [".", "/ws/repo"],
    ["/ws/repo/a", "/ws/repo/a"],
    ["/tmp/runner/a", "/tmp/runner/a"],
    ["..data/kind.yaml", "/ws/repo/..data/kind.yaml"],
    ["...", "/ws/repo/..."],
  ];
  for (const [text, path] of good) assert.equal(readValue(parse(text)), path);
  const bad = [
    "..",
    "../x",
    "a/../../x",
    "/",
    "/etc/passwd",
    "/ws/repo-other/x",
    "/tmp/runner/../x",
    "a\0b",
    "../repo2",
  ];
  for (const text of bad) assert.equal(readValue(parse(text)), undefined, text);
});

test("no path that is accepted lies outside", () => {
  const piece = fc.constantFrom("..", ".", "a", "", "...", "..a", "ws", "repo", "tmp", "~");
  const path = fc.tuple(fc.constantFrom("", "/"), fc.array(piece, { maxLength: 8 })).map(([a, b]) => a + b.join("/"));
  fc.assert(
    fc.property(fc.oneof(path, fc.string()), (text) => {
      const value = readValue(pathWithin(["/ws/repo"])(text));
      assert.ok(value === undefined || value === "/ws/repo" || value.startsWith("/ws/repo/"));
    }),
    { numRuns: 500 },
  );
});

test("an artifact's name has none of the characters that the service refuses", () => {
  assert.equal(readValue(artifactName("kind credentials (1)")), "kind credentials (1)");
  for (const text of [...'"<>|*?\r\n\\/:'].map((sign) => `a${sign}b`))
    assert.equal(readValue(artifactName(text)), undefined);
  assert.equal(readValue(artifactName("a".repeat(201))), undefined);
});

test("a list takes commas and lines, Windows' too, and drops what is empty", () => {
  assert.deepEqual(splitList(" a, b\r\nc\n\n,,\td "), ["a", "b", "c", "d"]);
  assert.deepEqual(splitList(" ,\n"), []);
});

test("every issue says what is wrong, what is allowed and how to mend it", () => {
  const parsers: readonly ((text: string) => Parsed<unknown>)[] = [
    duration({ min: "1s", max: "2s" }),
    wholeNumber(1, 2),
    boolean,
    oneOf(["a"]),
    clusterName,
    userName,
    hostName,
    ipAddress,
    imageReference,
    baseUrl,
    pathWithin(["/ws"]),
    artifactName,
  ];
  for (const parse of parsers) {
    const parsed = parse("/../:?\0");
    assert.ok("issue" in parsed, parse.name);
    for (const part of [parsed.issue.reason, parsed.issue.allowed, parsed.issue.fix]) assert.notEqual(part, "");
  }
});
