import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { JUnitReader, parseJUnit, parseSeconds } from "../../../src/command/junit.ts";
import { totalOf } from "../../../src/command/results.ts";
import { runBounded } from "../bounded.ts";

/** What the programs themselves wrote (test/fixtures/junit/README.md). */
const FOLDER = join(import.meta.dirname, "../../fixtures/junit");
const NAMES = (await readdir(FOLDER)).filter((name) => name.endsWith(".xml"));
const TEXTS = new Map(
  await Promise.all(NAMES.map(async (name) => [name, await readFile(join(FOLDER, name), "utf8")] as const)),
);
const read = (name: string) => parseJUnit(TEXTS.get(name) ?? assert.fail(`no ${name}`), name);

/** Of each file: suites with tests, tests, failures, errors, skipped, and its failed tests. */
const EXPECTED = {
  "bats.xml": [1, 3, 1, 0, 1, ["t.bats: the node is STARTED"]],
  "go-junit-report.xml": [
    2,
    6,
    2,
    1,
    1,
    [
      "example.com/deploy: TestFails",
      "example.com/deploy: TestFails/catania",
      "example.com/deploy/broken: [build failed]",
    ],
  ],
  "jest-junit.xml": [1, 3, 1, 0, 1, ["outer fails"]],
  "node.xml": [3, 5, 2, 0, 2, ["outer.inner: fails", "at the top"]],
  "phpunit.xml": [
    2,
    6,
    2,
    1,
    1,
    ["DeployTest: testFails", "DeployTest: testErrors", 'DeployTest: testEach with data set "second"'],
  ],
  "pytest-collection.xml": [1, 1, 0, 1, 0, ["test_broken"]],
  "pytest.xml": [1, 7, 2, 1, 2, ["test_it: test_fails", "test_it: test_errors", "test_it: test_each[citt\\xe0]"]],
  "surefire.xml": [1, 5, 1, 1, 1, ["demo.DeployTest: errors", "demo.DeployTest: fails"]],
} as const;

test("what real programs write is counted test by test, also where suites are nested", () => {
  assert.deepEqual(NAMES.toSorted(), Object.keys(EXPECTED));
  for (const [name, expected] of Object.entries(EXPECTED)) {
    const { suites, failed, issue } = read(name);
    const { tests, failures, errors, skipped } = totalOf(suites);
    const names = failed.map((each) => each.name);
    assert.deepEqual([suites.length, tests, failures, errors, skipped, names], expected, name);
    assert.equal(issue, undefined, name);
  }
});

test("what failed says why, in message or text, with entities and CDATA read", () => {
  const [fails] = read("surefire.xml").failed.filter(({ kind }) => kind === "failure");
  assert.equal(fails?.message, "state of <georef> ==> expected: <STARTED> but was: <ERROR>");
  assert.match(fails?.text ?? "", /^org\.opentest4j\.AssertionFailedError: state of <georef> ==>/);
  const [bash] = read("bats.xml").failed;
  assert.match(bash?.text ?? "", /`@test "the node is STARTED" .*' failed$/);
  assert.match(read("pytest.xml").failed[2]?.message ?? "", /assert 'città' == 'bologna'\n/);
});

test("a suite's own error, several failures of one test, and a test that did not run", () => {
  const { suites, failed } = parseJUnit(
    `<testsuites><testsuite name="a"><error message="no cluster">trace</error></testsuite>
     <testsuite name="b"><testcase name="two"><failure message="first"/><error message="second"/></testcase>
     <testcase name="not run" status="notrun"/></testsuite></testsuites>`,
  );
  const only = suites.map(({ name, tests, failures, errors, skipped }) => [name, tests, failures, errors, skipped]);
  assert.deepEqual(only, [
    ["a", 1, 0, 1, 0],
    ["b", 2, 0, 1, 1],
  ]);
  assert.deepEqual(
    failed.map(({ suite, name, kind, message }) => [suite, name, kind, message]),
    [
      ["a", "", "error", "no cluster"],
      ["b", "two", "error", "second"],
    ],
  );
});

test("what is not JUnit's, has no test, or ends in the middle is said", () => {
  for (const [text, issue] of [
    ["<html><testsuite><testcase/></testsuite></html>", /its root is <html>/],
    ["not XML", /has no test/],
    ["", /has no test/],
    ["<testsuites></testsuites>", /has no test/],
    ["<testsuite><testcase name='done'/><testcase name='not", /ends in the middle/],
    [`<testsuite>${"<a>".repeat(200)}`, /nested more than 100 deep/],
  ] as const) {
    assert.match(parseJUnit(text).issue ?? "", issue, text.slice(0, 50));
  }
  const { suites } = parseJUnit("<testsuite><testcase name='done'/><testcase name='killed'>");
  assert.equal(totalOf(suites).tests, 1, "of a test that did not end it is not known whether it would have passed");
});

test("entities of a file are not expanded, and nothing is read or fetched", () => {
  const { failed } = parseJUnit(
    `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
     <testsuite name="s"><testcase name="&b;"><failure message="&f;">&b;&lt;&#65;</failure></testcase></testsuite>`,
  );
  assert.deepEqual(failed, [{ suite: "s", name: "&b;", kind: "failure", message: "&f;", text: "&b;<A" }]);
});

test("any beginning of a file is read, and says no more than the whole; pieces do not matter", () => {
  const beginning = fc.tuple(fc.constantFrom(...TEXTS.entries()), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(beginning, fc.integer({ min: 1, max: 500 }), ([[name, text], share], size) => {
      const part = text.slice(0, Math.floor(text.length * share));
      const [some, all] = [parseJUnit(part, name), read(name)];
      assert.ok(totalOf(some.suites).tests <= totalOf(all.suites).tests);
      assert.equal(totalOf(some.suites).failures + totalOf(some.suites).errors, some.failed.length);
      const reader = new JUnitReader(name);
      for (let at = 0; at < part.length; at += size) reader.write(part.slice(at, at + size));
      assert.deepEqual(reader.end(), some);
    }),
  );
});

test("any text is read without an error", () => {
  const word = fc.constantFrom(
    ..."testsuites testsuite testcase failure error skipped < </ > /> <![CDATA[ ]]> <!-- --> <? ?> = \" ' name time & ;".split(
      " ",
    ),
  );
  const text = fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 60 }).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(text, (value) => {
      const { suites, failed } = parseJUnit(`<testsuite>${value}`);
      const { tests, failures, errors, skipped } = totalOf(suites);
      assert.ok(failures + errors + skipped <= tests);
      assert.ok(failed.length <= 50);
    }),
  );
});

test("files that were made to take long do not", async () => {
  const module = join(import.meta.dirname, "../../../src/command/junit.ts");
  const printed = await runBounded(`
    import { parseJUnit } from ${JSON.stringify(module)};
    const size = 2_000_000;
    const made = [
      "<testsuite>" + "<a>".repeat(size / 3),
      "<testsuite>" + "</a>".repeat(size / 4),
      "<testsuite " + Array.from({ length: size / 8 }, (_, at) => "a" + at + '=""').join(" ") + ">",
      '<testsuite name="' + "&lt;".repeat(size / 4) + '">',
      "<testsuite>" + "<![CDATA[".repeat(size / 9),
      "<testsuite>" + "<!--".repeat(size / 4),
      "<testsuite><testcase><failure>" + "&amp;".repeat(size / 5),
      "<testsuite><testcase><failure>" + "x&".repeat(size / 2),
      "<testsuite>" + "<testcase><failure>x</failure></testcase>".repeat(size / 40) + "</testsuite>",
      "<testsuites>" + "<testsuite><testcase/></testsuite>".repeat(size / 30) + "</testsuites>",
    ];
    console.log(made.map((text) => parseJUnit(text).failed.length).join());
  `);
  assert.equal(printed.trim(), "0,0,0,0,0,0,1,1,50,0");
});

test("times are numbers of seconds, and nothing else is", () => {
  for (const [text, seconds] of [
    ["0.5", 0.5],
    ["1,234.5", 1234.5],
    ["", 0],
    [undefined, 0],
    ["-1", 0],
    ["NaN", 0],
    ["Infinity", 0],
    ["1e300", 1e9],
    ["1 minute", 0],
  ] as const) {
    assert.equal(parseSeconds(text), seconds, text);
  }
});
