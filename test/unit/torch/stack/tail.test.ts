import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ComponentLog } from "../../../../src/torch/stack/logs.ts";
import { tailOf } from "../../../../src/torch/stack/tail.ts";
import { runBounded } from "../../bounded.ts";

const log = (...lines: readonly string[]): ComponentLog => ({
  source: "log",
  text: lines.map((line) => `${line}\n`).join(""),
  writtenAt: Number.POSITIVE_INFINITY,
});
const file = (source: string, writtenAt: number, ...lines: readonly string[]): ComponentLog => ({
  ...log(...lines),
  source,
  writtenAt,
});
const many = (count: number, line: (at: number) => string) => Array.from({ length: count }, (_, index) => line(index));

test("an error is shown before the last lines, without the noise around it", () => {
  const fatal = "FATAL: the APP_KEY is missing";
  const plain = many(20, (index) => `step ${index}`);
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["nothing", [], []],
    ["few lines", ["one", "", "two  "], ["one", "two"]],
    ["the last lines alone", plain, plain.slice(-8)],
    // A message may go on on the next lines.
    ["an error before them", [fatal, ...plain], [fatal, ...plain.slice(0, 3), "...", ...plain.slice(-8)]],
    ["an error among them", [...plain.slice(0, 15), fatal, "step 1"], [...plain.slice(9, 15), fatal, "step 1"]],
    ["npm's warnings hide nothing", [fatal, ...many(40, (index) => `npm WARN deprecated p${index}`)], [fatal]],
    ["npm's notices", [fatal, "npm notice New major version", "npm warn x"], [fatal]],
    [
      "Java's frames",
      [
        "SEVERE: Unhandled exception",
        "java.net.ConnectException: Connection refused: broker/172.18.0.5:9000",
        "\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)",
        "    at io.vertx.core.impl.ContextImpl.lambda$executeBlocking$1(ContextImpl.java:273)",
        "\tat it.unict.Main$$Lambda$14/0x0000000800d3.handle(Unknown Source)",
        "Caused by: javax.net.ssl.SSLHandshakeException: Path does not chain",
        "\t... 14 more",
        "\t... 3 common frames omitted",
      ],
      [
        "SEVERE: Unhandled exception",
        "java.net.ConnectException: Connection refused: broker/172.18.0.5:9000",
        "Caused by: javax.net.ssl.SSLHandshakeException: Path does not chain",
      ],
    ],
    [
      "Hazelcast's members",
      ["SEVERE: x discovery failed", "Members {size:2, ver:2} [", "Members [2] {", "]", "}"],
      ["SEVERE: x discovery failed"],
    ],
    [
      "requests",
      [
        fatal,
        "[Wed Nov 25 10:00:00 2026] 172.18.0.1:40404 Accepted",
        "[Wed Nov 25 10:00:00 2026] 172.18.0.1:40404 [500]: GET /login",
        "[Wed Nov 25 10:00:00 2026] 172.18.0.1:40404 [404]: (null) GET /x - No such file",
        "[Wed Nov 25 10:00:00 2026] 172.18.0.1:40404 Closing",
        '172.18.0.1 - - [25/Nov/2026 10:00:00] "POST /dus/create HTTP/1.1" 501 -',
      ],
      [fatal],
    ],
    [
      "the last of many errors",
      [...many(20, (index) => `ERROR ${index}`), ...plain],
      [...many(5, (index) => `ERROR ${index + 15}`), ...plain.slice(0, 3), "...", ...plain.slice(-8)],
    ],
    [
      "a message goes on, and another entry does not belong to it",
      ["SEVERE: Unhandled exception", "the reason", "INFO: x", "2026-11-25 next", "and on", ...plain],
      ["SEVERE: Unhandled exception", "the reason", "...", ...plain.slice(-8)],
    ],
    [
      "the heads of Java's entries, and what a second start finds",
      ["Nov 25, 2026 10:00:00 AM io.vertx.core.impl.ContextImpl", "SEVERE: x", "mkdir: cannot create 'd': File exists"],
      ["SEVERE: x"],
    ],
    ["line ends of every kind", ["a\r", "b\rc"], ["a", "b", "c"]],
  ];
  for (const [what, lines, expected] of cases) assert.deepEqual(tailOf([log(...lines)]), expected, what);
});

test("the message of an exception in Laravel's own log is shown without its frames", () => {
  const frame = (index: number, call: string) => `#${index} /var/www/vendor/laravel/src/File.php(180): ${call}`;
  const exception = (second: number) => [
    `[2026-11-25 10:00:0${second}] local.ERROR: Undefined property: stdClass::$id {"exception":"[object] (ErrorException(code: 0)"}`,
    "[stacktrace]",
    frame(0, "Illuminate\\Foundation\\Bootstrap\\HandleExceptions->handleError(8, 'Undefined proper...')"),
    frame(1, "App\\Http\\Controllers\\BpmnEngineController->launch(Object(Illuminate\\Http\\Request))"),
    ...many(40, (index) => frame(index + 2, "Illuminate\\Pipeline\\Pipeline->Illuminate\\Pipeline\\{closure}(Object)")),
    "#42 {main}",
    '"} ',
  ];
  const laravel = file("/var/www/storage/logs/laravel.log", 1, ...exception(1), ...exception(2));
  const shown = tailOf([laravel]).map((line) => line.slice(0, 80));
  assert.deepEqual(
    shown,
    [
      "[laravel.log] [2026-11-25 10:00:01] local.ERROR: Undefined property: stdClass::$id",
      "[laravel.log] [2026-11-25 10:00:02] local.ERROR: Undefined property: stdClass::$id",
    ].map((line) => line.slice(0, 80)),
  );
});

test("a long line is cut", () => {
  const [line = ""] = tailOf([log(`ERROR ${"x".repeat(80_000)}`)]);
  assert.match(line, /^ERROR x+ \.\.\.$/);
  assert.ok(line.length < 420);
  assert.deepEqual(tailOf([log("y".repeat(400))]), ["y".repeat(400)]);
});

test("files that name an error come first, the newest of them before the others, and at most three", () => {
  const words = [
    log("Server started"),
    file("/a/old-logs.txt", 21_000, "SEVERE: old"),
    file("/a/quiet-logs.txt", 29_000, "Server started", "all is well"),
    file("/a/newest-logs.txt", 24_000, "Server started", "\tat x.Y.z(Y.java:1)", "SEVERE: newest", ...many(12, String)),
    file("/a/newer-logs.txt", 23_000, ...many(9, (index) => `ERROR ${index}`)),
    file("/a/new-logs.txt", 22_000, "denied"),
  ];
  assert.deepEqual(tailOf(words), [
    "[newest-logs.txt] SEVERE: newest",
    "[newest-logs.txt] 0",
    "[newest-logs.txt] 1",
    "[newest-logs.txt] 2",
    ...many(8, (index) => `[newer-logs.txt] ERROR ${index + 1}`),
    "[new-logs.txt] denied",
    "Server started",
  ]);
  const earlier = [file("/a/a.log", 1000, "SEVERE: of an earlier time"), file("/a/b.log", 61_001, "SEVERE: now")];
  assert.deepEqual(tailOf(earlier), ["[b.log] SEVERE: now"]);
  const liqo = [
    file("/a/l.log", 2000, "SEVERE: cannot download liqoctl"),
    file("/a/b.log", 1000, "SEVERE: the reason"),
  ];
  assert.deepEqual(tailOf(liqo), ["[b.log] SEVERE: the reason", "[l.log] SEVERE: cannot download liqoctl"]);
});

test("no log makes it throw, and few lines are shown of any", () => {
  const line = fc.oneof(fc.string(), fc.constantFrom("SEVERE: x", "\tat a.b(C.java:1)", "npm WARN x", "\r", "]"));
  const source = fc.constantFrom("log", "/a/x-logs.txt", "/b.log", "");
  const words = fc.record({ source, text: fc.array(line).map((lines) => lines.join("\n")), writtenAt: fc.double() });
  fc.assert(
    fc.property(fc.array(words, { maxLength: 5 }), (all) => {
      for (const shown of tailOf(all)) assert.ok(shown.length <= 430 && !shown.includes("\n"));
    }),
  );
});

test("long lines of noise and very many empty ones are passed over in seconds", async () => {
  const path = JSON.stringify(import.meta.resolve("../../../../src/torch/stack/tail.ts"));
  for (const piece of [" ", "~", "\n"]) {
    const text = `${JSON.stringify(piece)}.repeat(1e6)`;
    const words = `[{ source: "log", text: ${text} + "!", writtenAt: 1 }]`;
    await runBounded(`import { tailOf } from ${path}; tailOf(${words});`);
  }
});
