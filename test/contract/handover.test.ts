import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cp, link, lstat, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "../..");
const SCRIPT = ".github/scripts/accept-handover.mjs";
const CATALOG = "src/versions/catalog.json";
const VERSIONS = "docs/versions.md";
const DOCUMENT = `# Title
<!-- versions: begin, written by scripts/docs/tables.ts -->
| a |
<!-- versions: end -->
The end.
`;
const SUM = "0".repeat(64);
const COMMIT = ["-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--all", "--quiet"];

interface Entry {
  version: string;
  checksums: Record<string, string>;
  [key: string]: unknown;
}

interface Catalog {
  kind: Entry[];
  kubectl: Entry[];
  [key: string]: unknown;
}

async function readCatalog(): Promise<Catalog> {
  const catalog: Catalog = JSON.parse(await readFile(join(ROOT, CATALOG), "utf8"));
  return catalog;
}

/** A checkout with what the writing jobs have, and a hand-over as the other job would make it: nothing is new. */
async function prepare(context: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-handover-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const [checkout, handover] = [join(folder, "checkout"), join(folder, "handover")];
  for (const place of [checkout, handover]) {
    await mkdir(join(place, "src/versions"), { recursive: true });
    await mkdir(join(place, "dist"));
    await mkdir(join(place, "docs"));
    await cp(join(ROOT, CATALOG), join(place, CATALOG));
    await writeFile(join(place, VERSIONS), DOCUMENT);
    for (const name of ["main", "post", "chunk-25FQQAFY"]) await writeFile(join(place, `dist/${name}.mjs`), name);
  }
  await mkdir(join(checkout, ".github/workflows"), { recursive: true });
  await writeFile(join(checkout, ".github/workflows/ci.yml"), "name: CI\n");
  await writeFile(join(handover, "report.md"), "What is new.\n");
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: checkout, encoding: "utf8" });
  git("init", "--quiet");
  git("add", "--all");
  git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message=before");
  const accept = (kind = "catalog") =>
    spawnSync(process.execPath, [join(ROOT, SCRIPT), kind, handover], {
      cwd: checkout,
      encoding: "utf8",
      timeout: 60_000,
    });
  const staged = () => git("diff", "--cached", "--raw", "--no-renames", "--abbrev=4");
  return { folder, checkout, handover, git, accept, staged };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

/** Refused for this reason; nothing is staged or changed. */
function assertRefused({ accept, staged, git }: Prepared, reason: RegExp, kind?: string) {
  const { status, stderr } = accept(kind);
  assert.match(stderr, reason);
  assert.equal(status, 1);
  assert.equal(staged(), "");
  assert.equal(git("status", "--porcelain", "--untracked-files=all"), "");
}

describe("the job that may write takes over", () => {
  it("nothing if nothing is new", async (context) => {
    for (const kind of ["catalog", "dist"]) {
      const prepared = await prepare(context);
      if (kind === "dist") {
        await rm(join(prepared.handover, "report.md"));
        for (const name of ["src", "docs"]) await rm(join(prepared.handover, name), { recursive: true });
      }
      const { status, stderr } = prepared.accept(kind);
      assert.equal(stderr, "");
      assert.equal(status, 0);
      assert.equal(prepared.staged(), "");
    }
  });

  it("an added release, its tables and another bundle, and nothing else", async (context) => {
    const prepared = await prepare(context);
    const { handover } = prepared;
    const catalog = await readCatalog();
    const [first = assert.fail()] = catalog.kind;
    const { checksums } = first;
    first.checksums = {};
    await writeFile(join(prepared.checkout, CATALOG), JSON.stringify(catalog));
    prepared.git(...COMMIT, "--message=a release without checksums");
    first.checksums = checksums;
    catalog.kind.unshift({ ...first, version: "9.9.9", checksums: {} });
    catalog.kubectl.push({ version: "9.9.9", checksums: { "linux-arm64": SUM } });
    await writeFile(join(handover, CATALOG), JSON.stringify(catalog));
    await writeFile(join(handover, VERSIONS), DOCUMENT.replace("| a |", "| b |"));
    await writeFile(join(handover, "dist/main.mjs"), "other");
    await rm(join(handover, "dist/chunk-25FQQAFY.mjs"));
    await writeFile(join(handover, "dist/chunk-CUX7H2U5.mjs"), "new");
    assert.equal(prepared.accept().stderr, "");
    assert.deepEqual(
      prepared
        .staged()
        .trim()
        .split("\n")
        .map((line) => line.replace(/ [0-9a-f]{4} [0-9a-f]{4} /, " ")),
      [
        ":100644 000000 D\tdist/chunk-25FQQAFY.mjs",
        ":000000 100644 A\tdist/chunk-CUX7H2U5.mjs",
        ":100644 100644 M\tdist/main.mjs",
        `:100644 100644 M\t${VERSIONS}`,
        `:100644 100644 M\t${CATALOG}`,
      ],
    );
  });

  it("no mode: what was executable in the hand-over, or in the checkout, is a plain file", async (context) => {
    const prepared = await prepare(context);
    execFileSync("chmod", ["777", join(prepared.handover, "dist/main.mjs")]);
    assert.equal(prepared.accept().status, 0);
    assert.equal(prepared.staged(), "");
    assert.equal((await lstat(join(prepared.checkout, "dist/main.mjs"))).mode & 0o111, 0);
  });

  const hostile: readonly (readonly [string, RegExp, (prepared: Prepared) => Promise<unknown>])[] = [
    [
      "a workflow",
      /"\.github" is not wanted/,
      async ({ handover }) => {
        await mkdir(join(handover, ".github/workflows"), { recursive: true });
        await writeFile(join(handover, ".github/workflows/ci.yml"), "name: mine\n");
      },
    ],
    [
      "a workflow under a name that is wanted",
      /"dist\/ci\.yml" is not wanted/,
      ({ handover }) => writeFile(join(handover, "dist/ci.yml"), "name: CI\n"),
    ],
    [
      "a file too many",
      /"package\.json" is not wanted/,
      ({ handover }) => writeFile(join(handover, "package.json"), "{}"),
    ],
    [
      "a patch, as the hand-over once was",
      /"catalog\.patch" is not wanted/,
      ({ handover }) => writeFile(join(handover, "catalog.patch"), "rename from .github/workflows/ci.yml\n"),
    ],
    [
      "git's own files",
      /"dist\/\.gitattributes" is not wanted/,
      ({ handover }) => writeFile(join(handover, "dist/.gitattributes"), "* filter=x\n"),
    ],
    ["a folder within dist", /"dist\/main" is not wanted/, ({ handover }) => mkdir(join(handover, "dist/main"))],
    [
      "a name that would be a command of the runner",
      /"dist\/\\n::add-mask::x" is not wanted/,
      ({ handover }) => writeFile(join(handover, "dist/\n::add-mask::x"), ""),
    ],
    [
      "a link in a file's place",
      /"dist\/main\.mjs" is not a regular file/,
      async ({ handover }) => {
        await rm(join(handover, "dist/main.mjs"));
        await symlink("/etc/passwd", join(handover, "dist/main.mjs"));
      },
    ],
    [
      "a report that is a link: the environment of the job would be a pull request's text",
      /"report\.md" is not a regular file/,
      async ({ handover }) => {
        await rm(join(handover, "report.md"));
        await symlink("/proc/self/environ", join(handover, "report.md"));
      },
    ],
    [
      "a folder that is a link",
      /"dist" is not wanted/,
      async ({ handover, folder }) => {
        await cp(join(handover, "dist"), join(folder, "elsewhere"), { recursive: true });
        await rm(join(handover, "dist"), { recursive: true });
        await symlink(join(folder, "elsewhere"), join(handover, "dist"));
      },
    ],
    [
      "a pipe, which would never end",
      /"docs\/versions\.md" is not a regular file/,
      async ({ handover }) => {
        await rm(join(handover, VERSIONS));
        execFileSync("mkfifo", [join(handover, VERSIONS)]);
      },
    ],
    [
      "a huge catalog",
      /catalog\.json" has more than 500000 bytes/,
      ({ handover }) => truncate(join(handover, CATALOG), 50_000_000_000),
    ],
    [
      "a huge report",
      /"report\.md" has more than 60000 bytes/,
      ({ handover }) => writeFile(join(handover, "report.md"), "a".repeat(60_001)),
    ],
    [
      "a bundle that is huge only together",
      /dist has more than 2500000 bytes/,
      async ({ handover }) => {
        for (const name of ["main", "post"]) await truncate(join(handover, `dist/${name}.mjs`), 2_000_000);
      },
    ],
    [
      "a bundle of very many files",
      /dist has more than 20 files/,
      async ({ handover }) => {
        for (let index = 0; index < 30; index += 1) await writeFile(join(handover, `dist/a${index}.mjs`), "");
      },
    ],
    ["no catalog", /catalog\.json is missing/, ({ handover }) => rm(join(handover, CATALOG))],
    ["a catalog that is not JSON", /is not JSON/, ({ handover }) => writeFile(join(handover, CATALOG), "{")],
    [
      "a document that changes outside its table",
      /docs\/versions\.md changes outside its generated table/,
      ({ handover }) => writeFile(join(handover, VERSIONS), DOCUMENT.replace("The end.", "Run this.")),
    ],
    [
      "a document with a table of its own invention",
      /docs\/versions\.md changes outside its generated table/,
      ({ handover }) =>
        writeFile(
          join(handover, VERSIONS),
          `${DOCUMENT}<!-- more: begin, written by scripts/docs/tables.ts -->\nRun this.\n<!-- more: end -->\n`,
        ),
    ],
    [
      "a document with the table twice",
      /docs\/versions\.md changes outside its generated table/,
      ({ handover }) => writeFile(join(handover, VERSIONS), `${DOCUMENT}${DOCUMENT}`),
    ],
    [
      "a README: its tables are not made from the catalog",
      /"README\.md" is not wanted/,
      ({ handover }) => writeFile(join(handover, "README.md"), "Run this.\n"),
    ],
    [
      "another document",
      /"docs\/security\.md" is not wanted/,
      ({ handover }) => writeFile(join(handover, "docs/security.md"), "Run this.\n"),
    ],
  ];
  for (const [name, reason, attack] of hostile) {
    it(`not ${name}`, async (context) => {
      const prepared = await prepare(context);
      await attack(prepared);
      assertRefused(prepared, reason);
    });
  }

  const catalogs: readonly (readonly [string, RegExp, (catalog: Catalog) => unknown])[] = [
    ["without a release that was there", /changes|0 times/, (catalog) => catalog.kind.pop()],
    ["with a release twice", /2 times/, (catalog) => catalog.kind.push(...catalog.kind.slice(0, 1))],
    [
      "with another image for a release that was there",
      /changes what it had: kind .*, images/,
      (catalog) => Object.assign(catalog.kind[0] ?? {}, { images: [] }),
    ],
    [
      "with another image of the registry",
      /changes what it had: registry/,
      (catalog) => Object.assign(catalog, { registry: "registry:3" }),
    ],
    [
      "with another proxy of load balancers",
      /changes what it had: cloudProvider/,
      (catalog) => Object.assign(catalog, { cloudProvider: { image: "provider:1", proxy: "envoy:1" } }),
    ],
    [
      "with a key of its own",
      /has not the form of a catalog/,
      (catalog) => Object.assign(catalog, { mirror: "https://x" }),
    ],
    [
      "with an own __proto__",
      /has not the form of a catalog/,
      (catalog) => Object.defineProperty(catalog, "__proto__", { value: {}, enumerable: true }),
    ],
    [
      "with a version that is a path",
      /has not the form of a catalog/,
      (catalog) => catalog.kubectl.push({ version: "../../x", checksums: {} }),
    ],
    [
      "with a checksum that is none",
      /has not the form of a catalog/,
      (catalog) => catalog.kubectl.push({ version: "9.9.9", checksums: { "linux-amd64": "x" } }),
    ],
  ];
  for (const [name, reason, change] of catalogs) {
    it(`not a catalog ${name}`, async (context) => {
      const prepared = await prepare(context);
      const catalog = await readCatalog();
      change(catalog);
      await writeFile(join(prepared.handover, CATALOG), JSON.stringify(catalog));
      assertRefused(prepared, reason);
    });
  }

  it("not another checksum where the catalog has one", async (context) => {
    const attacks: readonly (readonly [string, (catalog: Catalog) => unknown])[] = [
      ["kind", (catalog) => Object.assign(catalog.kind[0]?.checksums ?? assert.fail(), { "linux-amd64": SUM })],
      [
        "kubectl",
        (catalog) => Object.assign(catalog.kubectl.at(-1)?.checksums ?? assert.fail(), { "linux-arm64": SUM }),
      ],
      ["kubectl", (catalog) => delete catalog.kubectl[0]?.checksums["linux-amd64"]],
      ["kind", (catalog) => Object.assign(catalog.kind[0] ?? assert.fail(), { checksums: {} })],
    ];
    for (const [list, attack] of attacks) {
      const prepared = await prepare(context);
      const catalog = await readCatalog();
      attack(catalog);
      await writeFile(join(prepared.handover, CATALOG), JSON.stringify(catalog));
      assertRefused(prepared, new RegExp(`changes what it had: ${list} .*, checksums`));
    }
    const prepared = await prepare(context);
    const catalog = await readCatalog();
    catalog.kubectl.pop();
    await writeFile(join(prepared.handover, CATALOG), JSON.stringify(catalog));
    assertRefused(prepared, /has kind or kubectl \S+ 0 times/);
  });

  it("for the bundle alone, nothing but the bundle", async (context) => {
    assertRefused(await prepare(context), /"docs" is not wanted/, "dist");
  });

  it("nothing through links and other names of the checkout", async (context) => {
    const prepared = await prepare(context);
    const { checkout, folder, git, accept } = prepared;
    const outside = join(folder, "outside");
    await mkdir(outside);
    await rm(join(checkout, "dist"), { recursive: true });
    await symlink(outside, join(checkout, "dist"));
    await rm(join(checkout, VERSIONS));
    await writeFile(join(outside, "kept"), DOCUMENT);
    await link(join(outside, "kept"), join(checkout, VERSIONS));
    git("add", "--all");
    git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message=links");
    await writeFile(join(prepared.handover, VERSIONS), DOCUMENT.replace("| a |", "| b |"));
    const { status, stderr } = accept();
    assert.equal(status, 1);
    assert.match(stderr, /"dist" would be staged as D/);
    assert.equal(prepared.staged(), "");
    assert.equal(await readFile(join(outside, "kept"), "utf8"), DOCUMENT);
    assert.deepEqual(execFileSync("ls", [outside], { encoding: "utf8" }), "kept\n");
  });
});

describe("the workflows that write", () => {
  it("take files over by the script alone: no patch, no copying into the checkout", async () => {
    for (const [workflow, job, kind] of [
      ["catalog.yml", "propose", "catalog"],
      ["dist.yml", "commit", "dist"],
    ] as const) {
      const { steps } = parse(await readFile(join(ROOT, ".github/workflows", workflow), "utf8")).jobs[job];
      const scripts = steps.flatMap(({ run }: { readonly run?: string }) => (run === undefined ? [] : [run]));
      assert.match(scripts.join("\n"), new RegExp(`accept-handover\\.mjs"? ${kind} "\\$FOLDER"`));
      assert.doesNotMatch(scripts.join("\n"), /git (apply|am)|patch|\bcp\b|\bmv\b|tar |git add|npm /);
      const targets = steps.flatMap((step: { readonly uses?: string; readonly with?: { readonly path?: string } }) =>
        step.uses?.startsWith("actions/download-artifact@") === true ? [step.with?.path] : [],
      );
      // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow.
      assert.deepEqual(targets, ["${{ runner.temp }}/handover"], "outside the checkout");
    }
  });
});
