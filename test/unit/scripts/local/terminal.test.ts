import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { Status } from "../../../../scripts/local/status.ts";
import { openTerminal } from "../../../../scripts/local/terminal.ts";
import { displayWidth, fitWidth } from "../../../../scripts/local/width.ts";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import { startProgress } from "../../../../src/torch/stack/progress.ts";
import { Screen } from "./screen.ts";

const PLAIN = { TERM: "xterm" };

/** A boot's progress as the step prints it, into a terminal. */
function connect(show: (line: string) => void) {
  const log = {
    info: (line: string) => show(`  12.3 s  ${line}`),
    debug: (line: string) => show(`::debug::${line}`),
  };
  return { log, progress: startProgress(log) };
}

/** What is written to a terminal, or to what is none. */
function record(isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  return { output: { isTTY, columns: 80, rows: 24, write }, written: () => written.join("") };
}

test("each component has a line that is written over, and goes when it is done", () => {
  const screen = new Screen();
  const terminal = openTerminal(screen, PLAIN);
  const { log, progress } = connect(terminal.show);
  const { dashboard, engine, services } = COMPONENTS;
  progress.say(dashboard, "builds its image");
  progress.say(dashboard, "builds [3/9] RUN composer install");
  progress.say(engine, "starts its containers");
  progress.say(services, "waits for the cluster and its credentials");
  assert.deepEqual(screen.lines, [
    "dashboard         0 s  [3/9] RUN composer install",
    "Flowable engine   0 s  starts its containers",
    "service layer     0 s  waits for the cluster and its credentials",
  ]);
  log.info("kubectl 1.28.15 is there");
  progress.done(engine);
  log.debug(" • Starting control-plane 🕹️  ...");
  log.debug("dashboard: #9 12.3 Installing dependencies");
  assert.deepEqual(screen.lines, [
    "  12.3 s  kubectl 1.28.15 is there",
    "dashboard       0 s  [3/9] RUN composer install",
    "service layer   0 s  waits for the cluster and its credentials",
    "• Starting control-plane 🕹️ ...",
  ]);
  log.info("✓ Starting control-plane");
  progress.stop();
  terminal.show("::error::It failed");
  assert.deepEqual(screen.lines, [
    "  12.3 s  kubectl 1.28.15 is there",
    "  12.3 s  ✓ Starting control-plane",
    "",
    "Error: It failed",
  ]);
  terminal.end();
});

test("the time goes on while nothing is printed, and what the log repeats every 15 s is not shown twice", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const screen = new Screen();
  const terminal = openTerminal(screen, PLAIN);
  const { progress } = connect(terminal.show);
  progress.say(COMPONENTS.dashboard, "builds [3/9] RUN composer install");
  context.mock.timers.tick(31_000);
  assert.equal(screen.lines.length, 1);
  assert.match(screen.lines[0] ?? "", /^dashboard +\d+ s {2}\[3\/9\] RUN composer install$/);
  terminal.end();
  context.mock.timers.tick(31_000);
  assert.deepEqual(screen.lines, []);
  const status = new Status();
  status.say("dashboard", "builds", 1000);
  status.say("dashboard", "builds", 60_000);
  assert.deepEqual(status.render(76_200, 80, 24), ["dashboard  75 s  builds"]);
});

test("before there are components, one debug line is written over the other, and the next line takes its place", () => {
  const screen = new Screen();
  const terminal = openTerminal(screen, PLAIN);
  for (const line of ["::debug:: • Preparing nodes 📦  ...", "::debug::Pulling", "A line", "::debug::Waiting"]) {
    terminal.show(line);
  }
  assert.deepEqual(screen.lines, ["A line", "Waiting"]);
  terminal.end();
  assert.deepEqual(screen.lines, ["A line"]);
});

test("a narrow terminal, a low one, and one that becomes narrower keep their lines", () => {
  const screen = new Screen(40, 10);
  const terminal = openTerminal(screen, PLAIN);
  const { log, progress } = connect(terminal.show);
  log.info("before");
  for (const component of Object.values(COMPONENTS)) progress.say(component, `builds [3/9] RUN ${"很".repeat(40)}`);
  assert.equal(screen.lines.length, 4);
  for (const line of screen.lines) assert.ok(displayWidth(line) < 40, line);
  log.info("between");
  assert.deepEqual(screen.lines.slice(0, 2), ["  12.3 s  before", "  12.3 s  between"]);
  screen.rows = 4;
  log.debug("remark");
  assert.equal(screen.lines.length, 4, "two lines of those that are kept up to date");
  terminal.end();
  assert.deepEqual(screen.lines, ["  12.3 s  before", "  12.3 s  between"]);
});

test("what is not a terminal, or a dumb one, gets whole lines and no escapes; without colours the lines are kept up to date", () => {
  for (const [isTTY, environment] of [
    [false, PLAIN],
    [true, { TERM: "dumb" }],
  ] as const) {
    const { output, written } = record(isTTY);
    const terminal = openTerminal(output, environment);
    const { progress } = connect(terminal.show);
    progress.say(COMPONENTS.dashboard, "builds its image");
    terminal.show("  15.0 s  … dashboard: builds its image (15 s)");
    terminal.show("::warning::Look");
    terminal.end();
    assert.equal(written(), "  15.0 s  … dashboard: builds its image (15 s)\nWarning: Look\n");
  }
  const { output, written } = record(true);
  const terminal = openTerminal(output, { TERM: "xterm", NO_COLOR: "1" });
  terminal.show("::debug::… dashboard: builds its image");
  terminal.show("::error::No");
  terminal.end();
  assert.match(written(), /builds its image/);
  assert.ok(!written().includes("\u001b[2m") && !written().includes("\u001b[31m"));
});

test("a real terminal shows the lines as wide as it is, and none of them at the end", async () => {
  const folder = join(import.meta.dirname, "../../../..");
  const program = `
    import { openTerminal } from "${folder}/scripts/local/terminal.ts";
    const terminal = openTerminal(process.stdout);
    terminal.show("a line");
    terminal.show("::debug::… dashboard: builds [3/9] RUN composer install --no-interaction --prefer-dist");
    terminal.show("::debug::… service layer: waits for the cluster and its credentials");
    process.stdout.write("\\x07");
    terminal.show("another line");
    terminal.end();`;
  const place = await mkdtemp(join(tmpdir(), "kind-torch-terminal-"));
  const file = join(place, "show.ts");
  await writeFile(file, program);
  const command = `stty cols 50 rows 12; exec ${process.execPath} ${file}`;
  const environment = { ...process.env, TERM: "xterm", NO_COLOR: "1" };
  const args = ["--quiet", "--return", "--command", command, "/dev/null"];
  const { stdout } = await promisify(execFile)("script", args, { env: environment, timeout: 20_000 });
  await rm(place, { recursive: true });
  const [before = "", after = ""] = stdout.split("\u0007");
  const screen = new Screen(50, 12);
  screen.write(before);
  assert.deepEqual(screen.lines, [
    "a line",
    "dashboard       0 s  [3/9] RUN composer install …",
    "service layer   0 s  waits for the cluster and i…",
  ]);
  screen.write(after);
  assert.deepEqual(screen.lines, ["a line", "another line"]);
});

test("a line is never wider than there is room, and has nothing that a terminal acts on", () => {
  const piece = fc.constantFrom(
    "a",
    " ",
    "很",
    "é",
    "e\u0301",
    "📦",
    "🕹️",
    "👩‍🚀",
    "\u001b[2J",
    "\u0007",
    "\t",
    "\u202e",
    "\u200d",
    "ﾊ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 0, max: 40 }), (pieces, columns) => {
      const line = fitWidth(pieces.join(""), columns);
      assert.ok(displayWidth(line) <= columns, `${JSON.stringify(line)} in ${columns}`);
      assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
    }),
  );
  assert.equal(fitWidth("很很很", 5), "很很…");
  assert.equal(fitWidth("很很", 4), "很很");
  assert.equal(fitWidth("abc", 3), "abc");
  assert.equal(fitWidth("abcd", 3), "ab…");
  assert.equal(displayWidth("e\u0301 👩‍🚀 ﾊ"), 6);
});

test("whatever a boot does, what is below the log is never left in it", () => {
  const names = fc.constantFrom(...Object.values(COMPONENTS));
  const text = fc.constantFrom(
    "waits",
    "builds [1/2] RUN 很很很很很很很很很很很很很很很很很很很很",
    "x".repeat(200),
    "📦 ".repeat(30),
  );
  const action = fc.oneof(
    fc.tuple(fc.constant("say" as const), names, text),
    fc.tuple(fc.constant("done" as const), names, text),
    fc.tuple(fc.constant("info" as const), names, text),
    fc.tuple(fc.constant("debug" as const), names, text),
  );
  const size = fc.tuple(fc.integer({ min: 20, max: 100 }), fc.integer({ min: 5, max: 30 }));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25 }), size, (actions, [columns, rows]) => {
      const screen = new Screen(columns, rows);
      const terminal = openTerminal(screen, PLAIN);
      const { log, progress } = connect(terminal.show);
      let printed = 0;
      for (const [what, component, words] of actions) {
        if (what === "say") progress.say(component, words);
        else if (what === "done") progress.done(component);
        else if (what === "debug") log.debug(words);
        else {
          printed += 1;
          terminal.show(`line ${printed}`);
        }
      }
      progress.stop();
      terminal.end();
      assert.deepEqual(
        screen.lines,
        Array.from({ length: printed }, (_, at) => `line ${at + 1}`),
      );
    }),
  );
});
