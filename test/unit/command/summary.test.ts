import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { marked } from "marked";
import { type FailedTest, mergeResults, type Suite, totalOf } from "../../../src/command/results.ts";
import { type CommandReport, describeEnd, describeTotals, renderCommand } from "../../../src/command/summary.ts";
import { SUMMARY_BYTES } from "../../../src/report/markdown/size.ts";
import { assertInert, hostileText, readPage } from "../hostile.ts";

const SUITE: Suite = { name: "s", tests: 4, failures: 1, errors: 1, skipped: 1, seconds: 1.25 };
const FAILED: FailedTest = { suite: "s", name: "s: fails", kind: "failure", message: "1 is not 2", text: "at a.ts:1" };
const REPORT: CommandReport = {
  exitCode: 1,
  seconds: 12,
  results: { suites: [SUITE], failed: [FAILED] },
  tail: ["the last line"],
  warnings: [],
  artifact: undefined,
};
const render = (report: Partial<CommandReport>, room?: number) =>
  renderCommand({ ...REPORT, ...report }, room).toString();

test("how a command ended is said with what its exit code means", () => {
  for (const [end, text] of [
    [{ exitCode: 0, seconds: 3 }, "The command succeeded after 3 s"],
    [{ exitCode: 3, seconds: 3 }, "The command failed: exit code 3 after 3 s"],
    [{ exitCode: 124, seconds: 3 }, "The command failed: exit code 124 (what timeout exits with) after 3 s"],
    [{ exitCode: 137, seconds: 3 }, "The command failed: exit code 137 (SIGKILL) after 3 s"],
    [{ exitCode: 255, seconds: 3 }, "The command failed: exit code 255 after 3 s"],
    [{}, "The command did not end: it was stopped with its step"],
  ] as const) {
    assert.equal(describeEnd(end), text);
  }
});

test("sums are said without what there is none of", () => {
  assert.equal(describeTotals(SUITE), "4 tests: 1 passed, 1 failed, 1 error, 1 skipped");
  assert.equal(describeTotals({ ...SUITE, tests: 1, failures: 0, errors: 0, skipped: 0 }), "1 test: 1 passed");
  assert.equal(describeTotals({ ...SUITE, tests: 0, failures: 0, errors: 0, skipped: 0 }), "0 tests");
});

test("the summary has the suites, what failed folded away, and the end of the output", () => {
  const summary = render({ artifact: "files" });
  assert.match(summary, /\| s \| 4 \| 1 \| 1 \| 1 \| 1\.3 s \|/);
  assert.match(summary, /<summary>Failed: s: fails: 1 is not 2<\/summary>\n\n~+text\n1 is not 2\n\nat a\.ts:1\n/);
  assert.match(summary, /\| Of the command \| files \|/);
  assert.match(summary, /<details><summary>The last line of its output<\/summary>\n\n~+text\nthe last line\n/);
  assert.doesNotMatch(summary, /\| All \|/);
});

test("without test results the end of a failed command's output is not folded away; a successful one's is", () => {
  assert.match(render({ results: undefined }), /### The last line of its output\n\n~+text\nthe last line\n/);
  assert.match(render({ results: undefined, exitCode: 0 }), /<details><summary>The last line/);
  assert.doesNotMatch(render({ results: undefined, tail: [] }), /output/);
});

test("a command that succeeds although tests failed is said to", () => {
  assert.match(render({ exitCode: 0 }), /succeeded although tests failed/);
  assert.doesNotMatch(render({}), /although/);
});

test("of many suites those that failed are shown, and of many failures how many there are", () => {
  const good = Array.from({ length: 300 }, (_, at) => ({ ...SUITE, name: `good ${at}`, failures: 0, errors: 0 }));
  const summary = render({ results: { suites: [...good, SUITE], failed: [FAILED] } });
  assert.match(summary, /\| s \| 4 \| 1 \|/);
  assert.match(summary, /\| 201 more \|/);
  assert.match(summary, /Of 2 tests that failed, 1 are shown/);
});

test("of very many suites the sums are kept, and those that failed", () => {
  const good = { ...SUITE, failures: 0, errors: 0 };
  const files = Array.from({ length: 1500 }, (_, at) => ({ suites: [at === 1400 ? SUITE : good], failed: [] }));
  const { suites } = mergeResults(files);
  assert.equal(suites.length, 1001);
  assert.deepEqual(suites[0], SUITE);
  const { tests, failures, skipped } = totalOf(suites);
  assert.deepEqual([tests, failures, skipped], [6000, 1, 1500]);
});

test("no element, link or reference of what others wrote is in the summary", () => {
  const texts = fc.tuple(hostileText, hostileText, hostileText, hostileText);
  fc.assert(
    fc.property(texts, ([a, b, c, d]) => {
      const failed = [{ suite: a, name: b, kind: "error", message: c, text: d }] as const;
      const results = { suites: [{ ...SUITE, name: a }], failed };
      const summary = render({ results, tail: [b, c], warnings: [d], artifact: a });
      assertInert(readPage(marked.parse(summary, { async: false })));
    }),
  );
});

test("the summary has no more bytes than there is room, and its start is kept", () => {
  const long = { ...FAILED, message: "é".repeat(60_000), text: "~".repeat(60_000), name: "n".repeat(2000) };
  const failed = Array.from({ length: 50 }, () => long);
  const suites = Array.from({ length: 5000 }, (_, at) => ({ ...SUITE, name: `${at}${"x".repeat(1990)}` }));
  for (const room of [SUMMARY_BYTES, 20_000]) {
    const report = { results: { suites, failed }, tail: Array.from({ length: 50 }, () => "y".repeat(16_000)) };
    const summary = render(report, room);
    assert.ok(Buffer.byteLength(summary) <= room);
    assert.match(summary, /^## The command failed: exit code 1 after 12 s\n/);
  }
});
