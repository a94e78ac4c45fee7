import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { marked } from "marked";
import { type Report, torchRows } from "../../../src/report/content.ts";
import { renderGantt } from "../../../src/report/gantt.ts";
import { renderLog } from "../../../src/report/log-summary.ts";
import { byteLength, SUMMARY_BYTES } from "../../../src/report/markdown/size.ts";
import { renderFailure, renderSummary } from "../../../src/report/summary.ts";
import { writeSummary } from "../../../src/runner/summary-file.ts";
import { runBounded } from "../bounded.ts";
import { assertInert, hostileText, readPage, shapeOf } from "../hostile.ts";

const REPORT: Report = {
  cluster: "bologna",
  versions: {
    kubernetes: "1.28.15",
    kind: "0.25.0",
    kubectl: "1.27.16",
    nodeImage: "kindest/node:v1.28.15",
    loadBalancerImage: undefined,
    reasons: { kubernetes: "the guide's", kind: "why | kind", kubectl: "asked for" },
    warnings: ["Not verified: kind 0.25.0."],
  },
  origins: { kind: "from the tool cache", kubectl: "not verified" },
  nodes: ["bologna-control-plane", "bologna-worker"],
  nodeImages: ["kindest/node:v1.28.15"],
  cniManifests: ["/ws/calico.yaml"],
  loaded: [{ image: "my-app:1", origin: "in Docker already" }],
  proxies: ["HTTPS_PROXY=http://proxy.example:3128"],
  endpoint: "https://bologna-control-plane:6443",
  endpointExternal: "https://127.0.0.1:45645",
  readiness: "every node",
  user: "torch",
  rbac: "torch",
  certificateExpires: new Date("2026-01-02T00:00:00Z"),
  files: [{ name: "ca.crt", what: "the cluster's CA", path: "/a|b/ca.crt" }],
  artifact: "none",
  torch: undefined,
  phases: [
    { name: "Install kind", start: 100, end: 1600, state: "done" },
    { name: "Create cluster", start: 1600, end: 2600, state: "failed" },
  ],
};

/** The cells of each table row; a pipe in a cell is escaped. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  const rows = markdown.split("\n").filter((line) => line.startsWith("|"));
  return rows.map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
}

test("of several clusters each has a row with what the template has in it, and a single one is not named", () => {
  const clusters = ["bologna", "catania"].map((name) => ({
    name,
    endpoint: `https://${name}-control-plane:6443`,
    objects: [`deployment/of-${name}`],
  }));
  const rows = (count: number) => {
    const deployed = { template: "simple", nodes: ["a"], clusters: clusters.slice(0, count) };
    return torchRows({ dashboard: "", engine: "", broker: "", images: [], processes: 1, deployed }).slice(4);
  };
  assert.deepEqual(rows(1), [["Namespace", "simple", "deployment/of-bologna"]]);
  assert.deepEqual(rows(2), [
    ["Cluster bologna", "https://bologna-control-plane:6443", "as TORCH-V2 reaches it"],
    ["Namespace in bologna", "simple", "deployment/of-bologna"],
    ["Cluster catania", "https://catania-control-plane:6443", "as TORCH-V2 reaches it"],
    ["Namespace in catania", "simple", "deployment/of-catania"],
  ]);
});

test("the summary's tables keep their shape whatever is in them", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom("a|b", "|", "a\nb", "a\r\nb", "`|`")), (text) => {
      const files = [{ name: "n", what: "w", path: text }];
      const markdown = renderSummary({ ...REPORT, files, artifact: text, rbac: text }).toString();
      const lengths = rowsOf(markdown).map((row) => row.length);
      const expected = rowsOf(renderSummary(REPORT).toString()).map((row) => row.length);
      assert.deepEqual(lengths, expected);
    }),
  );
});

test("the summary shows the versions with their reasons, the endpoints, the nodes and the time of each phase", () => {
  const markdown = renderSummary(REPORT).toString();
  for (const text of [
    "1.28.15",
    "0.25.0",
    "1.27.16",
    "why \\| kind",
    "bologna-worker",
    "Not verified: kind 0.25.0.",
    "not verified",
  ]) {
    assert.ok(markdown.includes(text), text);
  }
  assert.ok(markdown.includes(REPORT.endpoint) && markdown.includes(REPORT.endpointExternal));
  assert.match(markdown, /Pod network \| `\/ws\/calico\.yaml`/);
  assert.doesNotMatch(renderSummary({ ...REPORT, cniManifests: [] }).toString(), /Pod network/);
  assert.match(markdown, /Install kind \| 0\.1 s \| 1\.5 s/);
  assert.match(markdown, /Create cluster \(failed\)/);
});

test("the log says the same as the summary", () => {
  const log = renderLog(REPORT).join("\n");
  for (const text of [
    "1.28.15",
    "0.25.0",
    "1.27.16",
    REPORT.endpoint,
    REPORT.endpointExternal,
    "/a|b/ca.crt",
    "1.5 s",
  ]) {
    assert.ok(log.includes(text), text);
  }
});

test("summary and log name the nodes' images with their digests, and a proxy if one is set", () => {
  const nodeImages = ["kindest/node:v1.28.15@sha256:a", "mine/node:v1.27.1"];
  const report = { ...REPORT, nodeImages };
  for (const text of [renderSummary(report).toString(), renderLog(report).join("\n")]) {
    for (const image of nodeImages) assert.ok(text.includes(image), text);
    assert.match(text, /Proxy.*proxy\.example.*does not use it for the API server/);
  }
  const without = { ...REPORT, proxies: [] };
  for (const text of [renderSummary(without).toString(), renderLog(without).join("\n")])
    assert.doesNotMatch(text, /Proxy/);
});

test("every line of a failure is in the summary, first, and the output of programs is shown as it is", () => {
  const markdown = renderFailure("one <b>\ntwo\n  a | *b*\n    c\nthree", REPORT.phases).toString();
  assert.match(markdown, /> one &lt;b><br>\n> two<br>\n> ~{8}text\n> a \| \*b\*\n> {3}c\n> ~{8}\n> three<br>\n/);
  assert.ok(markdown.indexOf("> one") < markdown.indexOf("Install kind"));
  assert.equal(rowsOf(renderFailure("one", []).toString()).length, 0);
});

test("the chart has a bar for each phase, and nothing in a name ends it early", () => {
  const chart = renderGantt([
    { name: "Build image: a; #1", start: 5, end: 1505, state: "done" },
    { name: "Create", start: 10, end: 10, state: "stopped" },
    { name: "Serve", start: 0, end: 900, state: "failed" },
  ]);
  assert.deepEqual(chart.lines.slice(-4, -1), [
    "    Serve (0.9 s) :crit, 0, 900",
    "    Build image a 1 (1.5 s) :5, 1505",
    "    Create (0.0 s) :done, 10, 11",
  ]);
  assert.ok(!renderFailure("one", []).toString().includes("mermaid"));
});

/** A report in which all text that others could have written is the same. */
function reportOf(text: string): Report {
  const { phases } = REPORT;
  return {
    ...REPORT,
    cluster: text,
    versions: {
      kubernetes: text,
      kind: text,
      kubectl: text,
      nodeImage: text,
      loadBalancerImage: text,
      reasons: { kubernetes: text, kind: text, kubectl: text },
      warnings: [text],
    },
    origins: { kind: text, kubectl: text },
    nodes: [text, text],
    endpoint: text,
    endpointExternal: text,
    readiness: text,
    user: text,
    rbac: text,
    files: [{ name: text, what: text, path: text }],
    artifact: { name: text, url: "https://git.example/a/runs/1" },
    torch: {
      dashboard: text,
      engine: text,
      broker: text,
      images: [[text, text, text]],
      processes: 1,
      deployed: {
        template: text,
        nodes: [text, text],
        clusters: [
          { name: text, endpoint: text, objects: [text, text] },
          { name: text, endpoint: text, objects: [] },
        ],
      },
    },
    phases: phases.map((phase) => ({ ...phase, name: text })),
  };
}

function render(markdown: { toString(): string }) {
  return readPage(marked.parse(markdown.toString(), { async: false }));
}

test("a summary has no element, link or reference that is not its own, whatever its texts are", () => {
  const shape = shapeOf(render(renderSummary(reportOf("plain"))));
  fc.assert(
    fc.property(hostileText, (text) => {
      const page = render(renderSummary(reportOf(text)));
      assertInert(page, ["https://git.example/a/runs/1"]);
      assert.deepEqual(shapeOf(page), shape);
    }),
  );
});

test("a failure's summary has no element, link or reference of the message, which stays in its alert", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const page = render(renderFailure(`first\n${text}\nlast`, REPORT.phases));
      assertInert(page);
      const counts = Object.groupBy(page.elements, ({ name }) => name);
      assert.equal(counts.blockquote?.length, 1);
      assert.equal(counts.table?.length, 1);
      assert.ok(page.texts.some(({ text, inside }) => /\blast$/.test(text) && inside.includes("blockquote")));
    }),
  );
});

test("each known way out of a failure's quotation is closed", () => {
  for (const [what, message] of [
    ["a line like the fence", "x\n  a\n  ~~~~~~~~\n  <script>"],
    ["a carriage return", "x\n  a\r<script>\r# b"],
    ["a line break that begins HTML", "x\n  a\n\n\n  <script>"],
    ["a line break that begins HTML, first", "\n  <script>\n\ny\n  <script>"],
    ["underlines", "x\n===\ny\n---\n---\n"],
    ["lists", "- x\n1. y\n+ z\n\t\tw\n> v"],
  ] as const) {
    const page = render(renderFailure(message, []));
    assertInert(page);
    assert.ok(
      page.elements.every(({ name }) => ["h2", "blockquote", "p", "br", "pre", "code"].includes(name)),
      what,
    );
    assert.equal(page.elements.filter(({ name }) => name === "h2").length, 1, what);
    const outside = page.texts.filter(({ text, inside }) => !inside.includes("blockquote") && text.trim() !== "");
    assert.equal(outside.length, 1, `${what}: ${JSON.stringify(outside)}`);
  }
});

test("the address of the artifact is a link, and a token keeps the form in which the runner masks it", () => {
  const url = "https://git.example/o/r/actions/runs/1/artifacts/2";
  const page = render(renderSummary({ ...REPORT, artifact: { name: "kind-credentials-c", url } }));
  assertInert(page, [url]);
  assert.equal(page.elements.filter(({ name }) => name === "a").length, 1);
  assert.ok(renderFailure("no access with ghp_a1B2_c3", []).toString().includes("ghp_a1B2_c3"));
});

test("a failure's summary takes no more bytes than GitHub shows, loses only the middle, and says so", () => {
  for (const [what, middle] of [
    ["output", "  é|<b> \u001b@\n".repeat(200_000)],
    ["text", "é|<b> \u001b@\n".repeat(200_000)],
    ["a line", "😀".repeat(600_000)],
    ["a line of output", `  ${"😀".repeat(600_000)}`],
    ["tildes", `  ${"~".repeat(3_000_000)}`],
    ["line ends", "\n".repeat(2_000_000)],
    ["carriage returns", `  ${"\r".repeat(2_000_000)}`],
    ["spaces", " ".repeat(2_000_000)],
  ] as const) {
    const markdown = renderFailure(`It broke.\n${middle}\nFix: restart it.`, REPORT.phases).toString();
    assert.ok(byteLength(markdown) <= SUMMARY_BYTES, `${what}: ${byteLength(markdown)}`);
    assert.ok(byteLength(markdown) > SUMMARY_BYTES * 0.9, `${what}: ${byteLength(markdown)}`);
    assert.match(markdown, /\d+ bytes are not shown here/, what);
    assert.match(markdown, /^> Fix: restart it\.<br>$/m, what);
    assert.ok(markdown.includes("> It broke.<br>") && markdown.includes("</details>"), what);
    assert.ok(!markdown.includes("\ufffd") && !/[\ud800-\udfff]/u.test(markdown), what);
  }
});

test("the rest of a program's line that was cut is still shown as output", () => {
  const page = render(renderFailure(`It broke.\n  ${"*".repeat(2_000_000)}\nFix: restart it.`, []));
  const inside = page.texts.filter(({ text }) => text.includes("***")).map((each) => each.inside.at(-1));
  assert.deepEqual(inside, ["code", "code"]);
});

test("a summary that is too long takes no more bytes than GitHub shows, and says so", () => {
  const endless = "@".repeat(3_000_000);
  const markdown = renderSummary(reportOf(endless)).toString();
  assert.ok(byteLength(markdown) <= SUMMARY_BYTES, `${byteLength(markdown)}`);
  assert.match(markdown, /were left out/);
  assert.match(renderSummary({ ...REPORT, artifact: endless }).toString(), /cut: it has 3000000 characters/);
});

test("everything that a step writes to its summary takes no more bytes than GitHub shows, and what is shown is complete", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-unit-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "summary");
  await writeFile(file, "");
  // In a process of its own, which has written nothing yet.
  await runBounded(`
    // The log has as much.
    process.stdout.write = () => true;
    for (const name of ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH"]) delete process.env[name];
    process.env.GITHUB_STEP_SUMMARY = ${JSON.stringify(file)};
    const { reportFailure, reportSuccess } = await import(${JSON.stringify(new URL("../../../src/report/report.ts", import.meta.url).href)});
    const { startTimeline } = await import(${JSON.stringify(new URL("../../../src/timeline.ts", import.meta.url).href)});
    const report = ${JSON.stringify(REPORT)};
    const many = Array.from({ length: 40 }, (_, index) => index + "節😀é".repeat(3_000));
    const files = many.map((name) => ({ name, path: name, what: name }));
    const outputs = { "kubectl-path": "/a/kubectl", "kind-path": "/a/kind", kubeconfig: "/a/kubeconfig" };
    const made = { outputs, report: { ...report, files, certificateExpires: new Date(report.certificateExpires) } };
    await reportSuccess(made, process.env);
    await reportFailure(new Error("It broke.\\n" + "節😀é".repeat(400_000) + "\\nFix: restart it."), startTimeline());
    process.exitCode = 0;
  `);
  const shown = await readFile(file);
  assert.ok(shown.length <= SUMMARY_BYTES, `${shown.length}`);
  const markdown = shown.toString("utf8");
  assert.ok(!markdown.includes("\ufffd"));
  assert.match(markdown, /were left out/);
  assert.match(markdown, /^> It broke\.<br>$/m);
  assert.match(markdown, /^> Fix: restart it\.<br>$/m);
  assert.match(markdown, /^\| Kubernetes \| 1\.28\.15 \|/m);
});

test("no phase's name is a statement of Mermaid, an entity, a tag or a line", () => {
  fc.assert(
    fc.property(
      fc.oneof(hostileText, fc.constantFrom("section a", "title b", "Click c", "gantt", "%%{init}%%")),
      (name) => {
        const { lines } = renderGantt([{ name, start: 0, end: 1, state: "done" }]);
        assert.equal(lines.length, 7);
        assert.match(lines[5] ?? "", /^ {4}[^:;#%<>&`~{}[\]\\|$\n]* \(0\.0 s\) :0, 1$/);
        assert.doesNotMatch(lines[5] ?? "", /^ +(gantt|section|title|click)/i);
      },
    ),
  );
});

test("only what the Markdown modules made is written to the job's summary", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-unit-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "summary");
  await writeFile(file, "");
  process.env.GITHUB_STEP_SUMMARY = file;
  await writeSummary(renderFailure("one", []));
  assert.equal(await readFile(file, "utf8"), renderFailure("one", []).toString());
  // @ts-expect-error A string is not Markdown.
  const refused: Parameters<typeof writeSummary>[0] = "# text";
  // @ts-expect-error Nor is what only looks like it.
  const imitated: Parameters<typeof writeSummary>[0] = { lines: ["# text"], toString: () => "# text" };
  assert.notEqual(refused, imitated);
});
