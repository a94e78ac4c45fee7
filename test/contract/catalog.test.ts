import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { array, exactOptional, type InferOutput, record, strictObject, string } from "valibot";
import { readJson } from "../../src/values/json.ts";
import { parseCatalog } from "../../src/versions/catalog.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOKEN = "token-of-the-test";

const entrySchema = strictObject({
  version: string(),
  released: exactOptional(string()),
  loadBalancer: exactOptional(string()),
  images: exactOptional(array(strictObject({ kubernetes: string(), image: string() }))),
  checksums: record(string(), string()),
});
const documentSchema = strictObject({
  registry: exactOptional(string()),
  kind: array(entrySchema),
  kubectl: array(entrySchema),
});

type Entry = InferOutput<typeof entrySchema>;
type Document = InferOutput<typeof documentSchema>;

const sha256 = (data: string) => createHash("sha256").update(data).digest("hex");
const image = (version: string) => `kindest/node:v${version}@sha256:${sha256(version)}`;
const notes = (...versions: readonly string[]) =>
  ["Images pre-built for this release:", ...versions.map((each) => `- v${each}: \`${image(each)}\``)].join("\r\n");

/** A release as GitHub's API lists it, without the fields that the update does not need. */
function release(version: string, body: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    tag_name: `v${version}`,
    draft: false,
    prerelease: false,
    published_at: "2025-12-17T18:02:03Z",
    body,
    ...more,
  };
}

const platforms = (sum: (architecture: string) => string) => ({
  "linux-amd64": sum("amd64"),
  "linux-arm64": sum("arm64"),
});
const kindPath = (version: string, architecture: string) => `/kind/v${version}/kind-linux-${architecture}`;
const kubectlPath = (version: string, architecture: string) => `/kubectl/v${version}/bin/linux/${architecture}/kubectl`;
const kindSums = (version: string) => platforms((architecture) => sha256(binaryAt(kindPath(version, architecture))));
const kubectlSums = (version: string) =>
  platforms((architecture) => sha256(binaryAt(kubectlPath(version, architecture))));

/** Each path has a different binary. */
function binaryAt(path: string): string {
  return `binary ${path}\n`.repeat(1000);
}

function kindEntry(version: string, kubernetes: readonly string[], more: Partial<Entry> = {}): Entry {
  return {
    version,
    released: "2025-08-27",
    loadBalancer: "docker.io/kindest/haproxy:v20230606-42a2262b",
    images: kubernetes.map((each) => ({ kubernetes: each, image: image(each) })),
    checksums: kindSums(version),
    ...more,
  };
}

/** A complete catalog. */
const COMPLETE: Document = {
  kind: [kindEntry("0.30.0", ["1.34.0", "1.33.4"])],
  kubectl: ["1.34.0", "1.33.4"].map((version) => ({ version, checksums: kubectlSums(version) })),
};
const KNOWN = release("0.30.0", notes("1.34.0", "1.33.4"));
const NEW = release("0.31.0", notes("1.35.0", "1.34.0"));
/** kind's file, in the form that it has always had. */
const GO = `package loadbalancer

// Image defines the loadbalancer image:tag
const Image = "docker.io/envoyproxy/envoy:v1.36.2"

// ConfigPath defines the path to the config file in the image
const ConfigPath = "/usr/local/etc/haproxy/haproxy.cfg"
`;

type Answer = (response: ServerResponse) => void;
const send =
  (body: string, status = 200): Answer =>
  (response) =>
    response.writeHead(status).end(body);
const PAGE = send("<!doctype html><html><body>Please sign in</body></html>");
const GONE = send("not found", 404);

/** What a path answers, one answer after the other; the last one repeatedly. */
type Answers = Readonly<Record<string, readonly Answer[]>>;

/** What each host answers according to its documentation. */
function answerAsDocumented(url: URL, releases: readonly unknown[]): Answer {
  const path = url.pathname;
  if (path === "/api/repos/kubernetes-sigs/kind/releases") {
    const size = Number(url.searchParams.get("per_page"));
    const from = (Number(url.searchParams.get("page")) - 1) * size;
    return send(JSON.stringify(releases.slice(from, from + size)));
  }
  if (/^\/raw\/kubernetes-sigs\/kind\/v[\d.]+\/pkg\/cluster\/internal\/loadbalancer\/const\.go$/.test(path))
    return send(GO);
  // kind's address forwards to the files of its GitHub release.
  if (path.startsWith("/kind/")) return (response) => response.writeHead(302, { location: `/files${path}` }).end();
  const file = path.replace(/^\/files/, "");
  if (file.endsWith(".sha256sum"))
    return send(`${sha256(binaryAt(file.slice(0, -10)))}  ${file.slice(0, -10).split("/").at(-1)}\n`);
  if (file.endsWith(".sha256")) return send(sha256(binaryAt(file.slice(0, -7))));
  if (/\/kind-linux-(amd64|arm64)$|\/linux\/(amd64|arm64)\/kubectl$/.test(file)) return send(binaryAt(file));
  return GONE;
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? "", "http://fake").pathname;
}

/** A fake of GitHub and of both download hosts, on the loopback. */
async function startFake(context: TestContext, releases: readonly unknown[], answers: Answers = {}) {
  const asked: IncomingMessage[] = [];
  let atOnce = 0;
  let most = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://fake");
    const prepared = answers[url.pathname] ?? [];
    const turn = asked.filter((each) => pathOf(each) === url.pathname).length;
    asked.push(request);
    atOnce += 1;
    most = Math.max(most, atOnce);
    response.on("close", () => {
      atOnce -= 1;
    });
    // Answers that take a moment overlap.
    setTimeout(() => (prepared[turn] ?? prepared.at(-1) ?? answerAsDocumented(url, releases))(response), 5);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { base: `http://127.0.0.1:${address.port}`, asked, most: () => most };
}

/** Runs the program on a catalog file as the workflow does, against a fake. */
async function update(context: TestContext, catalog: Document, releases: readonly unknown[], answers: Answers = {}) {
  const fake = await startFake(context, releases, answers);
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-catalog-"));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "catalog.json");
  const before = `${JSON.stringify(catalog, null, 2)}\n`;
  await writeFile(file, before);
  const { ino } = await stat(file);
  const env = {
    GITHUB_API_URL: `${fake.base}/api`,
    GITHUB_RAW_URL: `${fake.base}/raw`,
    DOCKER_HUB_URL: `${fake.base}/hub`,
    KIND_DOWNLOAD_URL: `${fake.base}/kind`,
    KUBECTL_DOWNLOAD_URL: `${fake.base}/kubectl`,
    GITHUB_TOKEN: TOKEN,
  };
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, "scripts/update-catalog/update.ts"), file],
      { env, timeout: 60_000 },
      (error, out, err) => resolve({ code: error === null ? 0 : error.code, stdout: out, stderr: err }),
    );
  });
  assert.deepEqual(await readdir(folder), ["catalog.json"], "no draft is left");
  assert.ok(!`${stdout}${stderr}`.includes(TOKEN));
  const after = await readFile(file, "utf8");
  const assertUntouched = async () => {
    assert.equal(after, before);
    assert.equal((await stat(file)).ino, ino);
  };
  const times = (path: string) => fake.asked.filter((request) => pathOf(request) === path).length;
  const assertReplaced = async () => assert.notEqual((await stat(file)).ino, ino, "a new file replaced it in one step");
  return { ...fake, code, stdout, stderr, before, after, times, assertUntouched, assertReplaced };
}

/** What an update wrote. */
function documentOf({
  code,
  stderr,
  after,
}: {
  readonly code: unknown;
  readonly stderr: string;
  readonly after: string;
}) {
  assert.equal(code, 0, stderr);
  parseCatalog(after);
  return readJson(documentSchema, after);
}

/** Asserts that an update failed for this reason, without a report, and left the file as it was. */
async function assertFailed(result: Awaited<ReturnType<typeof update>>, reason: RegExp) {
  assert.equal(result.code, 1, result.stdout);
  assert.match(result.stderr, reason);
  assert.equal(result.stdout, "");
  await result.assertUntouched();
}

describe("the update of the catalog", { concurrency: 2 }, () => {
  it("adds a new release with its images, load balancer and verified checksums, and keeps existing entries", async (context) => {
    const result = await update(context, COMPLETE, [NEW, KNOWN]);
    const { kind, kubectl } = documentOf(result);
    await result.assertReplaced();
    assert.deepEqual(kind, [
      kindEntry("0.31.0", ["1.35.0", "1.34.0"], {
        released: "2025-12-17",
        loadBalancer: "docker.io/envoyproxy/envoy:v1.36.2",
      }),
      ...COMPLETE.kind,
    ]);
    assert.deepEqual(kubectl, [{ version: "1.35.0", checksums: kubectlSums("1.35.0") }, ...COMPLETE.kubectl]);
    const entries = /\[\n([\s\S]*)\n {2}\],\n {2}"kubectl": \[\n([\s\S]*)\n {2}\]/.exec(result.before) ?? assert.fail();
    for (const text of entries.slice(1)) assert.ok(result.after.includes(text), "kept byte for byte");
    assert.match(
      result.stdout,
      /\[kind 0\.31\.0\]\(\S+\/v0\.31\.0\) of 2025-12-17, with Kubernetes 1\.35\.0, 1\.34\.0/,
    );
    assert.match(result.stdout, /^- Checksums of kubectl 1\.35\.0,/m);
    assert.doesNotMatch(result.stdout, /Needs review/);
  });

  it("leaves the file alone when nothing is new", async (context) => {
    const result = await update(context, COMPLETE, [KNOWN]);
    assert.equal(result.code, 0, result.stderr);
    await result.assertUntouched();
    assert.equal(result.stdout, "Nothing is new: the catalog is unchanged.\n");
    assert.equal(result.times("/kubectl/v1.34.0/bin/linux/amd64/kubectl"), 0, "nothing is verified again");
  });

  it("fills in the checksums that entries lack, and changes nothing else", async (context) => {
    const { "linux-amd64": amd64 } = kubectlSums("1.34.0");
    const [entry] = COMPLETE.kind;
    assert.ok(entry !== undefined);
    const lacking = {
      kind: [{ ...entry, checksums: {} }],
      kubectl: [{ version: "1.34.0", checksums: { "linux-amd64": amd64 } }],
    };
    const result = await update(context, lacking, [KNOWN]);
    assert.equal(result.after, `${JSON.stringify(COMPLETE, null, 2)}\n`);
    assert.match(result.stdout, /^- Checksums of kind 0\.30\.0,.*\n- Checksums of kubectl 1\.34\.0, 1\.33\.4,/m);
    assert.equal(result.times("/kubectl/v1.34.0/bin/linux/amd64/kubectl"), 0);
  });

  it("keeps a checksum even if a different one is published now, and asks for a review", async (context) => {
    const { kind, kubectl } = COMPLETE;
    const [first = assert.fail(), ...others] = kubectl;
    const pinned = "a".repeat(64);
    const known = {
      kind,
      kubectl: [{ ...first, checksums: { ...first.checksums, "linux-amd64": pinned } }, ...others],
    };
    const sum = `${kubectlPath("1.34.0", "amd64")}.sha256`;
    const result = await update(context, known, [KNOWN, NEW]);
    const text = JSON.stringify(documentOf(result).kubectl.find(({ version }) => version === "1.34.0"));
    assert.match(text, new RegExp(pinned));
    assert.match(result.stdout, /## Needs review/);
    const published = sha256(binaryAt(kubectlPath("1.34.0", "amd64")));
    assert.match(
      result.stdout,
      new RegExp(
        `kubectl 1\\.34\\.0 for linux/amd64: the catalog has \`${pinned}\` and keeps it, but \`\\S+\\.sha256\` says \`${published}\``,
      ),
    );
    assert.equal(result.times(kubectlPath("1.34.0", "amd64")), 0, "the binary is not requested");
    for (const [answer, reason] of [
      [GONE, /1\.34\.0 for linux\/amd64: .* and keeps it, but `\S+` does not exist/],
      [PAGE, /1\.34\.0 for linux\/amd64: .* and keeps it, but `\S+` is not a checksum file/],
    ] as const) {
      const lost = await update(context, COMPLETE, [KNOWN], { [sum]: [answer] });
      assert.equal(lost.code, 0, lost.stderr);
      await lost.assertUntouched();
      assert.match(lost.stdout, reason);
    }
    await assertFailed(await update(context, COMPLETE, [KNOWN], { [sum]: [send("busy", 503)] }), /HTTP 503.*3 tries/);
  });

  it("adds the newest kubectl of each minor that has an image, verified like any other", async (context) => {
    const stable = (minor: string) => `/kubectl/stable-${minor}.txt`;
    const newest = { [stable("1.34")]: [send("v1.34.9\n")], [stable("1.33")]: [send("v1.33.4")] };
    const result = await update(context, COMPLETE, [KNOWN], newest);
    const { kind, kubectl } = documentOf(result);
    assert.deepEqual(kind, COMPLETE.kind);
    assert.deepEqual(kubectl, [{ version: "1.34.9", checksums: kubectlSums("1.34.9") }, ...COMPLETE.kubectl]);
    assert.match(result.stdout, /^- Checksums of kubectl 1\.34\.9, each compared with the binary itself/m);
    const path = kubectlPath("1.34.9", "arm64");
    await assertFailed(
      await update(context, COMPLETE, [KNOWN], { ...newest, [path]: [send("another binary")] }),
      /arm64\/kubectl has the SHA-256/,
    );
    for (const answer of [PAGE, send("v1.33.4"), send("v1.34.9-rc.1"), send("")])
      await assertFailed(
        await update(context, COMPLETE, [KNOWN], { [stable("1.34")]: [answer] }),
        /stable-1\.34\.txt does not name a version of 1\.34/,
      );
  });

  it("fills in the checksums that a kubectl without an image lacks", async (context) => {
    const sums = kubectlSums("1.33.2");
    const kubectl = [...COMPLETE.kubectl, { version: "1.33.2", checksums: { "linux-arm64": sums["linux-arm64"] } }];
    const result = await update(context, { ...COMPLETE, kubectl }, [KNOWN]);
    assert.deepEqual(documentOf(result).kubectl.at(-1)?.checksums, sums);
  });

  it("writes the project's own catalog in the format that it has", async () => {
    const text = await readFile(join(ROOT, "src/versions/catalog.json"), "utf8");
    assert.equal(`${JSON.stringify(JSON.parse(text), null, 2)}\n`, text);
  });

  it("refuses a checksum that is not the binary's, and names both checksums", async (context) => {
    for (const [path, suffix] of [
      [kindPath("0.31.0", "arm64"), ".sha256sum"],
      [kubectlPath("1.35.0", "amd64"), ".sha256"],
    ] as const) {
      const wrong = sha256("another binary");
      const result = await update(context, COMPLETE, [NEW, KNOWN], { [path]: [send("another binary")] });
      await assertFailed(
        result,
        new RegExp(`${path} has the SHA-256 ${wrong}, but \\S+${suffix} says ${sha256(binaryAt(path))}`),
      );
    }
  });

  it("does not take a web page for a checksum, a binary, or the list of releases", async (context) => {
    const sum = `${kindPath("0.31.0", "amd64")}.sha256sum`;
    await assertFailed(
      await update(context, COMPLETE, [NEW, KNOWN], { [sum]: [PAGE] }),
      /amd64\.sha256sum is not a checksum file/,
    );
    const path = kubectlPath("1.35.0", "arm64");
    await assertFailed(
      await update(context, COMPLETE, [NEW, KNOWN], { [path]: [PAGE] }),
      /arm64\/kubectl has the SHA-256/,
    );
    const list = "/api/repos/kubernetes-sigs/kind/releases";
    await assertFailed(await update(context, COMPLETE, [], { [list]: [PAGE] }), /does not answer with JSON/);
    await assertFailed(
      await update(context, COMPLETE, [], { [list]: [send('{"message":"moved"}')] }),
      /a list of releases/,
    );
  });

  it("fails if the notes of a new release list no image", async (context) => {
    const empty = release("0.31.0", "Images are listed elsewhere from now on.");
    await assertFailed(
      await update(context, COMPLETE, [empty, KNOWN]),
      /notes of kind 0\.31\.0 list no usable node image/,
    );
  });

  it("tries again after 503 twice, after 429 and after a broken connection, and then reads everything", async (context) => {
    const busy = [send("busy", 503), send("busy", 503)];
    const broken: Answer = (response) => {
      response.writeHead(200, { "content-length": 100_000 });
      response.write("half of it", () => response.destroy());
    };
    const sum = `${kubectlPath("1.35.0", "amd64")}.sha256`;
    const binary = kubectlPath("1.35.0", "arm64");
    const result = await update(context, COMPLETE, [NEW, KNOWN], {
      [sum]: [...busy, send(sha256(binaryAt(kubectlPath("1.35.0", "amd64"))))],
      [binary]: [broken, send(binaryAt(binary))],
      "/api/repos/kubernetes-sigs/kind/releases": [send("busy", 429), send(JSON.stringify([NEW, KNOWN])), send("[]")],
    });
    assert.deepEqual(documentOf(result).kubectl[0], { version: "1.35.0", checksums: kubectlSums("1.35.0") });
    assert.deepEqual([result.times(sum), result.times(binary)], [3, 2]);
  });

  it("fails after three tries, naming the address and the reason, and waits for nothing else", async (context) => {
    const path = kubectlPath("1.35.0", "amd64");
    const never: Answer = () => undefined;
    const result = await update(context, COMPLETE, [NEW, KNOWN], {
      [path]: [send("busy", 503)],
      [kindPath("0.31.0", "amd64")]: [never],
    });
    await assertFailed(result, new RegExp(`${path} could not be read: HTTP 503 .*3 tries`));
    assert.equal(result.times(path), 3);
  });

  it("does not try a refused request again", async (context) => {
    const list = "/api/repos/kubernetes-sigs/kind/releases";
    const result = await update(context, COMPLETE, [], { [list]: [send("rate limit exceeded", 403)] });
    await assertFailed(result, /releases\?\S+ could not be read: HTTP 403 Forbidden\./);
    assert.equal(result.times(list), 1);
  });

  it("reads every page, and leaves out drafts, pre-releases and releases that are too old", async (context) => {
    const early = release("0.31.1", notes("1.35.1"));
    const others = [
      { ...early, draft: true, published_at: null },
      { ...early, prerelease: true },
      release("0.32.0-alpha", notes("1.36.0")),
      { ...early, tag_name: "weekly" },
      ...Array.from({ length: 130 }, (_, index) => release(`0.17.${index}`, "old notes without images")),
    ];
    const { kind } = documentOf(await update(context, COMPLETE, [...others, KNOWN, NEW]));
    assert.deepEqual(
      kind.map(({ version }) => version),
      ["0.31.0", "0.30.0"],
    );
  });

  it("leaves an entry unchanged if its notes were edited, and asks for a review", async (context) => {
    const result = await update(context, COMPLETE, [release("0.30.0", notes("1.34.1", "1.33.4"))]);
    assert.equal(result.code, 0, result.stderr);
    await result.assertUntouched();
    assert.match(result.stdout, /^Nothing is new[\s\S]*## Needs review\n/);
    assert.match(result.stdout, /kind 0\.30\.0: the notes list `\S+v1\.34\.1@\S+`, which the catalog does not have/);
    assert.match(result.stdout, /kind 0\.30\.0: the catalog has `\S+v1\.34\.0@\S+`, which the notes do not list/);
  });

  it("asks for a review if a known release has lost its list, or no longer exists", async (context) => {
    const lost = await update(context, COMPLETE, [release("0.30.0", "See elsewhere.")]);
    assert.match(lost.stdout, /kind 0\.30\.0 list no usable node image.*The catalog keeps its entry/);
    await lost.assertUntouched();
    const gone = await update(context, COMPLETE, [NEW]);
    assert.deepEqual(documentOf(gone).kind.length, 2);
    assert.match(gone.stdout, /kind 0\.30\.0: GitHub no longer lists it/);
  });

  it("fails if GitHub lists no release at all", async (context) => {
    await assertFailed(await update(context, COMPLETE, []), /lists no release of kind since 0\.18\.0/);
  });

  it("leaves out an image whose Kubernetes was never released, and asks for a review", async (context) => {
    const absent = ["amd64", "arm64"].map((architecture) => [`${kubectlPath("1.35.9", architecture)}.sha256`, [GONE]]);
    const body = notes("1.35.9", "1.34.0");
    const result = await update(context, COMPLETE, [release("0.31.0", body), KNOWN], Object.fromEntries(absent));
    const { kind, kubectl } = documentOf(result);
    assert.deepEqual(
      kind[0]?.images?.map(({ kubernetes }) => kubernetes),
      ["1.34.0"],
    );
    assert.deepEqual(kubectl, COMPLETE.kubectl);
    assert.match(result.stdout, /there is no kubectl 1\.35\.9 \(`\S+\.sha256`\)/);
  });

  it("fails if a binary is missing for one processor, or kind's own is missing", async (context) => {
    const kubectl = `${kubectlPath("1.35.0", "arm64")}.sha256`;
    await assertFailed(
      await update(context, COMPLETE, [NEW, KNOWN], { [kubectl]: [GONE] }),
      /no checksum of kubectl 1\.35\.0 at/,
    );
    const kind = Object.fromEntries(
      ["amd64", "arm64"].map((each) => [`${kindPath("0.31.0", each)}.sha256sum`, [GONE]]),
    );
    await assertFailed(await update(context, COMPLETE, [NEW, KNOWN], kind), /no checksum of kind 0\.31\.0 at/);
  });

  it("adds a release without its load balancer if kind's sources do not name it, and asks for a review", async (context) => {
    const path = "/raw/kubernetes-sigs/kind/v0.31.0/pkg/cluster/internal/loadbalancer/const.go";
    for (const answer of [GONE, PAGE, send('const Image = "a:1"\nconst ProxyImage = "b:2"\n')]) {
      const result = await update(context, COMPLETE, [NEW, KNOWN], { [path]: [answer] });
      assert.ok(!("loadBalancer" in (documentOf(result).kind[0] ?? assert.fail())));
      assert.match(result.stdout, /kind 0\.31\.0: `\S+const\.go` does not name exactly one load balancer image/);
    }
  });

  it("names a newer release of the registry with its image, and keeps the catalog's own", async (context) => {
    const catalog = { registry: `registry:3.0.0@sha256:${"1".repeat(64)}`, ...COMPLETE };
    const list = (...versions: readonly string[]) =>
      send(JSON.stringify(versions.map((version) => release(version, ""))));
    const releases = "/api/repos/distribution/distribution/releases";
    const tag = "/hub/v2/repositories/library/registry/tags/3.1.0";
    const digest = `sha256:${"2".repeat(64)}`;
    const found = { [tag]: [send(JSON.stringify({ name: "3.1.0", digest }))] };
    const newer = [list("3.1.0", "2.8.3", "3.0.0"), send("[]")];
    const result = await update(context, catalog, [KNOWN], { [releases]: newer, ...found });
    assert.equal(result.code, 0, result.stderr);
    await result.assertUntouched();
    assert.match(
      result.stdout,
      /Needs review\n\n- the registry beside a cluster: \[3\.1\.0\]\(https:\/\/github\.com\/distribution\/\S+\/v3\.1\.0\)/,
    );
    assert.ok(result.stdout.includes(`\`registry:3.1.0@${digest}\``), result.stdout);

    for (const answers of [{ [releases]: newer }, { [releases]: [list("3.0.0", "2.8.3"), send("[]")], ...found }]) {
      const nothing = await update(context, catalog, [KNOWN], answers);
      assert.equal(nothing.stdout, "Nothing is new: the catalog is unchanged.\n", nothing.stderr);
    }
    await assertFailed(
      await update(context, catalog, [KNOWN], { [releases]: newer, [tag]: [PAGE] }),
      /tags\/3\.1\.0 does not name the digest of an image\.\nFix: /,
    );
  });

  it("follows neither endless redirects nor one away from http, and does not read an endless text", async (context) => {
    const path = "/raw/kubernetes-sigs/kind/v0.31.0/pkg/cluster/internal/loadbalancer/const.go";
    const redirect =
      (location: string): Answer =>
      (response) =>
        response.writeHead(302, { location }).end();
    const endless: Answer = (response) => {
      response.writeHead(200).on("error", () => undefined);
      const pour = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024, "a")));
        if (!response.destroyed) response.once("drain", pour);
      };
      pour();
    };
    for (const [answer, reason, times] of [
      [redirect(path), /could not be read: more than 10 redirects\./, 11],
      [redirect("file:///etc/passwd"), /could not be read: redirected from http: to file:, which is refused\./, 1],
      [endless, /could not be read: more than 16777216 bytes\./, 1],
    ] as const) {
      const result = await update(context, COMPLETE, [NEW, KNOWN], { [path]: [answer] });
      await assertFailed(result, reason);
      assert.equal(result.times(path), times);
    }
  });

  it("has at most four requests under way, and sends its token only to GitHub's API", async (context) => {
    const versions = Array.from({ length: 10 }, (_, index) => `1.35.${index}`);
    const result = await update(context, COMPLETE, [release("0.31.0", notes(...versions)), KNOWN]);
    documentOf(result);
    assert.equal(result.most(), 4);
    for (const { url, headers } of result.asked) {
      assert.equal(headers.authorization, url?.startsWith("/api/") ? `Bearer ${TOKEN}` : undefined, url);
    }
  });
});
