import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join, relative } from "node:path";
import { beforeEach } from "node:test";
import { fileURLToPath } from "node:url";
import type { RecordedMessage } from "./message-list.ts";

/**
 * `node --import scripts/docs/record-messages.ts`, in the process of a test file: writes every message for users that an
 * exported function of src returns or throws into a file of the folder MESSAGES_FOLDER, with the test that it was made in.
 */

type Found = Pick<RecordedMessage, "input" | "text" | "fix">;

const ROOT = join(import.meta.dirname, "../..");
const MAX_DEPTH = 5;
const MAX_PARTS = 100;

let title = "";
const seen = new WeakSet<object>();
const recorded = new Set<string>();

/** The messages in a value: issues, problems, diagnoses, failures and warnings, wherever in it they are. */
function* findMessages(value: unknown, name: string, depth = 0): Generator<Found> {
  if (typeof value === "string" && /^(?:warn|findUnused)/.test(name)) yield { text: value };
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH || seen.has(value)) return;
  const found = readMessage(value);
  if (found !== undefined) {
    seen.add(value);
    yield found;
  } else if (value instanceof Error && "problems" in value) yield* findMessages(value.problems, "problems", depth + 1);
  else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    for (const [key, part] of Object.entries(value).slice(0, MAX_PARTS))
      yield* findMessages(part, Array.isArray(value) ? name : key, depth + 1);
  }
}

function readMessage(value: object): Found | undefined {
  const { input, value: shown, reason, allowed, cause, message, fix }: Record<string, unknown> = Object(value);
  const text = (...parts: readonly unknown[]) => parts.join(" ");
  if (value instanceof Error && value.name === "Failure")
    return { text: `${message}`, ...(typeof fix === "string" ? { fix } : {}) };
  if (typeof fix !== "string") return undefined;
  if (typeof reason !== "string" || typeof allowed !== "string")
    return typeof cause === "string" ? { text: cause, fix } : undefined;
  return typeof input === "string"
    ? {
        input: text(`${input}:`, JSON.stringify(cut(`${shown}`))),
        text: text(`${reason}.`, "Allowed:", `${allowed}.`),
        fix,
      }
    : { text: text(`${reason}.`, "Allowed:", `${allowed}.`), fix };
}

/** A value as `describeProblem` shows it. */
function cut(value: string): string {
  return value.length > 120 ? `${value.slice(0, 117)}...` : value;
}

/** Where in src an error was made. */
function siteOf(error: Error): string | undefined {
  return /^\s+at .*?\/(src\/(?!errors\.ts)[\w/-]+\.ts:\d+)/m.exec(error.stack ?? "")?.[1];
}

function record(file: string, name: string, value: unknown): void {
  for (const found of findMessages(value, name)) {
    const site = (value instanceof Error ? siteOf(value) : undefined) ?? file;
    // What a property was tried with is chosen at random.
    const line = JSON.stringify({ site, test: title, ...found });
    if (!recorded.has(line) && !isProperty()) recorded.add(line);
  }
}

function isProperty(): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
  const { stack = "" } = new Error("who asks?");
  Error.stackTraceLimit = stackTraceLimit;
  return stack.includes("/fast-check/");
}

type AnyFunction = (...args: unknown[]) => unknown;

/** The same function, whose messages are recorded. */
function observe(file: string, name: string, original: AnyFunction): AnyFunction {
  const fail = (error: unknown) => {
    record(file, name, error);
    throw error;
  };
  const pass = (result: unknown) => {
    record(file, name, result);
    return result;
  };
  return function observed(this: unknown, ...args) {
    let result: unknown;
    try {
      result = original.apply(this, args);
    } catch (error) {
      return fail(error);
    }
    return result instanceof Promise ? result.then(pass, fail) : pass(result);
  };
}

const folder = process.env.MESSAGES_FOLDER ?? "";
const observer = "observeMessages";
Object.assign(globalThis, { [observer]: observe });
// Node.js reads each module of src with lines behind it that put the observed functions in the place of its own.
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : "";
    if (!/^src\/.*\.ts$/.test(file)) return loaded;
    const source = loaded.source instanceof Uint8Array ? Buffer.from(loaded.source).toString() : `${loaded.source}`;
    const names = [...source.matchAll(/^export (?:async )?function (\w+)/gm)].map(([, name]) => name);
    const lines = names.map((name) => `${name} = ${observer}("${file}", "${name}", ${name});`);
    return { ...loaded, source: [source, ...lines, ""].join("\n") };
  },
});
const script = relative(join(ROOT, "test/unit"), process.argv[1] ?? "");
beforeEach((context) => {
  title = `${script}: ${"fullName" in context ? context.fullName : ""}`;
});
process.on("exit", () => writeFileSync(join(folder, `${process.pid}.jsonl`), [...recorded].join("\n")));
