import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { findTexts } from "./source-texts.ts";

/** A message as a test made it. */
export interface RecordedMessage {
  /** The file of src whose function gave the message first; for a failure the file and line that made it. */
  readonly site: string;
  readonly test: string;
  /** The input and its value, for a problem of an input. */
  readonly input?: string | undefined;
  readonly text: string;
  readonly fix?: string | undefined;
}

const ROOT = join(import.meta.dirname, "../..");

/** The topics, each with the places in src that its messages come from; the first that fits is taken. */
const TOPICS: readonly (readonly [string, RegExp])[] = [
  ["Inputs", /^src\/(?:inputs|values)\//],
  ["Versions", /^src\/versions\//],
  ["The kind configuration", /^src\/cluster\/config\//],
  ["The machine", /^src\/(?:plan|host|docker)\//],
  ["kind and kubectl", /^src\/tools\//],
  ["The cluster", /^src\/(?:cluster|diagnosis)\//],
  ["Credentials", /^src\/credentials\//],
  ["TORCH-V2: the checkout and its compose files", /^src\/torch\/(?:checkout|compose)\//],
  ["TORCH-V2: boot and deployment", /^src\/torch\//],
  ["The step", /^src\//],
];

/** The document: by topic, one example of each message; then the texts that no test makes. */
export function renderMessages(messages: readonly RecordedMessage[], sources: ReadonlyMap<string, string>): string {
  const plain = messages.map(withoutChance);
  const groups = Map.groupBy(
    plain.filter((message) => !isPartOfOther(message, plain)),
    sameMessage,
  );
  const entries = [...groups.values()].map(renderGroup);
  const reached = new Set(messages.map(({ site }) => site));
  const texts = [...sources].flatMap(([path, text]) => findTexts(path, text));
  const unreached = new Set(texts.filter(({ site }) => !reached.has(site)).map(({ text }) => `- ${code(text)}`));
  return [
    "# Messages",
    "",
    "<!-- Written by scripts/docs/messages.ts: run npm run docs. -->",
    "",
    "The errors and warnings of this Action, each with one example: the text that a unit test causes, then the test's file",
    "and title, and the other inputs that can have the same error. [Troubleshooting](troubleshooting.md) explains the most",
    "common ones.",
    ...TOPICS.flatMap(([topic]) => renderTopic(topic, entries)),
    "",
    "## Messages without a unit test",
    "",
    "Errors and warnings of a running step, as the source has them. Contract and end-to-end tests cause most of them.",
    "",
    ...[...unreached].toSorted(),
    "",
  ].join("\n");
}

function renderTopic(topic: string, entries: readonly Entry[]): readonly string[] {
  const lines = entries.filter((entry) => entry.topic === topic).map(({ line }) => line);
  return lines.length === 0 ? [] : ["", `## ${topic}`, "", ...lines.toSorted()];
}

/** Whether a text is no message by itself: it stands in that of an input. */
function isPartOfOther({ input, text, fix }: RecordedMessage, messages: readonly RecordedMessage[]): boolean {
  if (input !== undefined) return false;
  const [reason = ""] = text.split(". Allowed:");
  const isSentence = fix !== undefined || /^[A-Z]|\.$/.test(text);
  return !isSentence || messages.some((each) => each.input && each.text.includes(reason));
}

/** What all examples of one message have in common. What stands behind a colon is a value, or another program's words. */
function sameMessage({ text, fix = "" }: RecordedMessage): string {
  const [beginning = ""] = text
    .replace(/^(?:[a-z-]+: )?(?:line \d+, column \d+: \S+ )?/, "")
    .split(/: |, which | Allowed:/);
  // docs/migrating.md has the fix for each input of another action.
  if (beginning.startsWith("is for an input of ")) return "is for an input of";
  return plainWords(`${beginning} Fix: ${fix.split(": ")[0]}`);
}

/** The words of a text that are not values: no names, numbers, paths and quotes. */
function plainWords(text: string): string {
  const words = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").split(/\s+/);
  return words.filter((word) => /^[A-Za-z][a-z'-]*[.,;:)]*$/.test(word)).join(" ");
}

/** A message without what differs between two runs. */
function withoutChance(message: RecordedMessage): RecordedMessage {
  const plain = (text: string) =>
    text
      .replaceAll(ROOT, "/workspace")
      .replaceAll(new RegExp(`${tmpdir()}/kind-torch-unit-\\w+`, "g"), "/tmp/test")
      .replaceAll(new RegExp(`${homedir()}(?=[/,])`, "g"), "/home/user")
      .replaceAll(/\b[345]\d{4}\b/g, "40000")
      .replaceAll(/\/proc\/\d+/g, "/proc/1")
      .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, "ID")
      .replaceAll(/[\da-f]{64}/g, "0123abcd...")
      .replaceAll(/\b(?=\d*[a-f])[\da-f]{8}\b/g, "0123abcd")
      .replaceAll(/\w{3} +\d+ \d\d:\d\d:\d\d \d{4} GMT/g, "DATE")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "DATE")
      .replaceAll(/\b\d+ ms\b/g, "0 ms");
  const { site, test, input, text, fix } = message;
  return { site, test, input: input && plain(input), text: plain(text), fix: fix && plain(fix) };
}

/** A message in the document. */
interface Entry {
  readonly topic: string | undefined;
  readonly line: string;
}

/** An example of one message, the test that it comes from, and the inputs that can have it besides. */
function renderGroup(group: readonly RecordedMessage[]): Entry {
  const rank = ({ input, test, text }: RecordedMessage) => `${input === undefined ? 1 : 0} ${test} ${input} ${text}`;
  const [example, ...others] = group.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  if (example === undefined) throw new Error("a message has an example");
  const { input = "", text, fix, test } = example;
  const names = new Set(others.flatMap((other) => other.input?.split(": ")[0] ?? []));
  names.delete(input.split(": ")[0] ?? "");
  const also = names.size === 0 ? "" : `; also for ${[...names].toSorted().map(code).join(", ")}`;
  const message = [
    input || (/^[a-z]/.test(text) && text.includes(". Allowed:") ? "..." : ""),
    text,
    fix === undefined ? "" : `Fix: ${fix}.`,
  ]
    .join(" ")
    .trim()
    .replaceAll(/\s+/g, " ");
  const place = `${input}${text}`.startsWith("kind-config: ") ? "src/cluster/config/" : example.site;
  const topic = TOPICS.find(([, places]) => places.test(place))?.[0];
  return { topic, line: `- ${code(message)}<br>${escapeMarkdown(test.replace(".test.ts", ""))}${also}` };
}

function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_<>[\]|]/g, "\\$&");
}

/** The entries of the document without what differs between machines: values, and words of other programs. */
export function comparable(document: string): ReadonlySet<string> {
  const entries = document.split("\n").filter((line) => line.startsWith("- "));
  return new Set(
    entries.map((entry) => {
      const [, text = "", rest = ""] = /^(.*?)((?:Allowed|Fix): .*)?$/.exec(entry) ?? [];
      return plainWords(`${text.split(": ").slice(0, 3).join(" ")} ${rest}`.replaceAll(/`|<br>/g, " "));
    }),
  );
}
