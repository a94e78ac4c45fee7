import { Parser } from "htmlparser2";
import { type FailedTest, MAX_FAILED, type TestResults } from "./results.ts";

/** What a file of test results comes to, or why it has none. */
export type ParsedJUnit = TestResults & {
  /** Why the file does not say everything; `undefined` where it does. */
  readonly issue?: string;
};

/** A suite that is being read. */
interface OpenSuite {
  name: string;
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
  seconds: number;
}

/** A test that is being read, or a suite's own error. */
interface OpenTest {
  readonly name: string;
  readonly seconds: number;
  skipped: boolean;
  readonly failed: Pick<FailedTest, "kind" | "message">[];
  text: string;
}

type Attributes = Readonly<Record<string, string>>;

/** Deeper than any real file: the parser's time grows with the square of the depth. */
const MAX_DEPTH = 100;
/** Of each text no more than this is kept. */
export const MAX_TEXT = 64 * 1024;
const MAX_NAME = 2000;
const MAX_SUITES = 20_000;

class NotJUnit extends Error {}

/**
 * Reads a file of test results in JUnit's format, as many programs write it, piece by piece. No entity is defined by a
 * file, and nothing is fetched: what it defines is not read. Counted are the tests themselves, because the sums in a file
 * may count the same test in two nested suites.
 */
export class JUnitReader {
  readonly #parser: Parser;
  readonly #file: string;
  readonly #finished: OpenSuite[] = [];
  readonly #failed: FailedTest[] = [];
  readonly #suites: OpenSuite[] = [];
  readonly #path: string[] = [];
  #test: OpenTest | undefined;
  #open: FailedTest["kind"] | undefined;
  #issue: string | undefined;
  /** Whether there is no more text: what is still open was not closed by the file. */
  #ended = false;

  /** @param file what a suite without a name is called. */
  constructor(file: string) {
    this.#file = file;
    const handlers = {
      onopentag: (name: string, attributes: Attributes) => this.#begin(name, attributes),
      onclosetag: (name: string) => this.#end(name),
      ontext: (text: string) => this.#addText(text),
    };
    this.#parser = new Parser(handlers, { xmlMode: true });
  }

  /** Reads the next piece; nothing more after one that is not JUnit's. */
  write(piece: string): void {
    this.#attempt(() => this.#parser.write(piece));
  }

  /** What was read. */
  end(): ParsedJUnit {
    this.#ended = true;
    this.#attempt(() => this.#parser.end());
    const nothing = this.#finished.length === 0 && this.#failed.length === 0;
    const issue = this.#issue ?? (nothing ? "it has no test" : undefined);
    return { suites: this.#finished, failed: this.#failed, ...(issue === undefined ? {} : { issue }) };
  }

  #attempt(work: () => void): void {
    if (this.#issue !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof NotJUnit)) throw error;
      this.#issue = error.message;
    }
  }

  #begin(name: string, attributes: Attributes): void {
    if (this.#path.length === 0 && name !== "testsuites" && name !== "testsuite")
      throw new NotJUnit(`its root is <${name.slice(0, 40)}>, and not <testsuites> or <testsuite>`);
    if (this.#path.length >= MAX_DEPTH) throw new NotJUnit(`its elements are nested more than ${MAX_DEPTH} deep`);
    this.#path.push(name);
    if (name === "testsuite" || name === "testsuites") this.#suites.push(this.#newSuite(attributes));
    else if (name === "testcase" && this.#test === undefined) this.#test = newTest(attributes);
    else if (name === "skipped" || name === "disabled") this.#skip();
    else if (name === "failure" || name === "error") this.#fail(name, attributes);
  }

  #newSuite({ name = "" }: Attributes): OpenSuite {
    const inherited = this.#suites.at(-1)?.name || this.#file;
    return { name: name.slice(0, MAX_NAME) || inherited, tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0 };
  }

  #skip(): void {
    if (this.#test !== undefined) this.#test.skipped = true;
  }

  #fail(kind: FailedTest["kind"], { message = "" }: Attributes): void {
    // An error of the suite itself: it did not come to its tests.
    this.#test ??= { ...newTest({}), skipped: false };
    this.#test.failed.push({ kind, message: message.slice(0, MAX_TEXT) });
    this.#open = kind;
  }

  #addText(text: string): void {
    const test = this.#test;
    if (test === undefined || this.#open === undefined || this.#path.at(-1) !== this.#open) return;
    if (test.text.length < MAX_TEXT) test.text += text.slice(0, MAX_TEXT - test.text.length);
  }

  #end(name: string): void {
    if (this.#ended) this.#issue ??= "it ends in the middle: what wrote it did not come to its end";
    this.#path.pop();
    if (name === this.#open) {
      this.#open = undefined;
      if (this.#path.at(-1) !== "testcase") this.#finishTest();
    } else if (name === "testcase") this.#finishTest();
    else if (name === "testsuite" || name === "testsuites") this.#finishSuite();
  }

  #finishTest(): void {
    const [test, suite] = [this.#test, this.#suites.at(-1)];
    this.#test = undefined;
    this.#open = undefined;
    if (test === undefined || suite === undefined) return;
    // Whether it would have passed is not known.
    if (this.#ended && test.failed.length === 0) return;
    suite.tests += 1;
    suite.seconds += test.seconds;
    const first = test.failed.find(({ kind }) => kind === "error") ?? test.failed[0];
    if (first === undefined) {
      if (test.skipped) suite.skipped += 1;
      return;
    }
    if (first.kind === "error") suite.errors += 1;
    else suite.failures += 1;
    if (this.#failed.length < MAX_FAILED)
      this.#failed.push({ suite: suite.name, name: test.name, ...first, text: test.text });
  }

  #finishSuite(): void {
    const suite = this.#suites.pop();
    if (suite === undefined || suite.tests === 0) return;
    if (this.#finished.length >= MAX_SUITES) throw new NotJUnit(`it has more than ${MAX_SUITES} suites with tests`);
    this.#finished.push(suite);
  }
}

/** A test by its class and its name, unless the name says both, or the class is none (Node.js writes `test`). */
function newTest({ name = "", classname = "", time, status, result }: Attributes): OpenTest {
  const says = classname === "" || classname === "test" || name.startsWith(classname);
  const skipped = [status, result].some((word) => /^(?:skipped|notrun|disabled|pending)$/i.test(word ?? ""));
  const whole = (says ? name : `${classname}: ${name}`).slice(0, MAX_NAME);
  return { name: whole, seconds: parseSeconds(time), skipped, failed: [], text: "" };
}

/** A time as programs write it: `1,234.5` is Maven's. What is not one is 0. */
export function parseSeconds(text: string | undefined): number {
  const seconds = Number((text ?? "").replaceAll(",", ""));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 1e9) : 0;
}

/** Reads a whole text. */
export function parseJUnit(text: string, file = "tests"): ParsedJUnit {
  const reader = new JUnitReader(file);
  reader.write(text);
  return reader.end();
}
