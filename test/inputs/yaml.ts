import type { Choices } from "./random.ts";
import { Raw } from "./scalars.ts";

/** Writes a value as YAML, in blocks and flows, with the quotes that come up. */
export function writeYaml(value: unknown, choices: Choices): string {
  if (choices.chance(0.05)) return `${toJson(value)}\n`;
  return write(value, "", choices);
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (value instanceof Map) return [...value];
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Raw) return undefined;
  return Object.entries(value);
}

/** A value below a key or a hyphen: on the same line where it is a scalar or a flow, else on lines of its own. */
function write(value: unknown, indent: string, choices: Choices): string {
  const entries = entriesOf(value);
  if (entries !== undefined && entries.length > 0) {
    return entries.map(([key, each]) => `${indent}${writeKey(key, choices)}:${below(each, indent, choices)}`).join("");
  }
  if (Array.isArray(value) && value.length > 0) {
    return value.map((each) => `${indent}-${below(each, indent, choices)}`).join("");
  }
  return `${indent}${flow(value, choices)}\n`;
}

function below(value: unknown, indent: string, choices: Choices): string {
  const count = Array.isArray(value) ? value.length : (entriesOf(value)?.length ?? 0);
  if (count === 0 || choices.chance(0.1)) return ` ${flow(value, choices)}\n`;
  const comment = choices.chance(0.05) ? " # a comment" : "";
  return `${comment}\n${write(value, `${indent}  `, choices)}`;
}

function writeKey(key: unknown, choices: Choices): string {
  return key === null ? "" : writeScalar(key, choices);
}

function flow(value: unknown, choices: Choices): string {
  const entries = entriesOf(value);
  if (entries !== undefined) {
    return `{${entries.map(([key, each]) => `${writeKey(key, choices)}: ${flow(each, choices)}`).join(", ")}}`;
  }
  return Array.isArray(value)
    ? `[${value.map((each) => flow(each, choices)).join(", ")}]`
    : writeScalar(value, choices);
}

/** A text that begins with none of YAML's signs and that no reader takes for anything but a text. */
const PLAIN = /^[A-Za-z/][\w./-]*$/;
const WORD = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function writeScalar(value: unknown, choices: Choices): string {
  if (value instanceof Raw) return value.text;
  if (typeof value !== "string") return String(value);
  if (PLAIN.test(value) && !WORD.test(value) && choices.chance(0.8)) return value;
  if (/^[\x20-\x7e]*$/.test(value) && choices.chance(0.5)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value);
}

function toJson(value: unknown): string {
  const entries = entriesOf(value);
  if (entries !== undefined) {
    return `{${entries.map(([key, each]) => `${JSON.stringify(String(key))}:${toJson(each)}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  return value instanceof Raw ? value.text : JSON.stringify(value);
}

type Change = (text: string, choices: Choices) => string;

/** A line of the text in another form. */
function changeLine(change: (line: string, choices: Choices) => string): Change {
  return (text, choices) => {
    const lines = text.split("\n");
    const at = choices.below(lines.length);
    return lines.map((line, index) => (index === at ? change(line, choices) : line)).join("\n");
  };
}

const insert =
  (...pieces: readonly string[]): Change =>
  (text, choices) => {
    const at = choices.below(text.length + 1);
    return text.slice(0, at) + choices.pick(pieces) + text.slice(at);
  };

/** What people and programs do to a text of YAML: by habit, by mistake, or to break its reader. */
const CHANGES: readonly Change[] = [
  (text) => `---\n${text}`,
  (text) => `${text}---\n`,
  (text) => `${text}...\n`,
  (text) => `${text}---\n${text}`,
  (text) => `# a comment\n\n${text}\n# the end`,
  (text) => `%YAML 1.2\n---\n${text}`,
  (text) => `\ufeff${text}`,
  (text) => text.replaceAll("\n", "\r\n"),
  (text) => text.replaceAll("\n", "\r"),
  (text) => text.replace(/^/gm, "    "),
  (text) => text.trimEnd(),
  (text) => `${text}x-anchor: &a [1]\n`,
  (text) => `${text}kubeadmConfigPatches: &k []\ncontainerdConfigPatches: *k\n`,
  (text) => `${text}nodes: [&n {role: control-plane}, *n]\n`,
  (text) => `${text}nodes:\n- &n\n  role: control-plane\n- <<: *n\n  role: worker\n`,
  (text) => `${text}networking: {<<: [{ipFamily: ipv4}, {apiServerPort: 0}], disableDefaultCNI: false}\n`,
  (text) => `${text}featureGates: {${Array.from({ length: 300 }, (_, index) => `G${index}: true`).join(", ")}}\n`,
  (text) => `${text}kubeadmConfigPatches: [${Array(120).fill("''").join(", ")}]\n`,
  (text) => `${text}nodes: [${Array(30).fill("{role: worker}").join(", ")}, {role: control-plane}]\n`,
  (text) => `${text}# ${"x".repeat(120_000)}\n`,
  (text) => `${text}a: ${"[".repeat(100)}${"]".repeat(100)}\n`,
  (text) => `${text}a: &b [${"*b,".repeat(200)}]\n`,
  (text, choices) => text.slice(0, choices.below(text.length)),
  changeLine((line) => `\t${line}`),
  changeLine((line) => line.replace(/^( *)/, "$1\t")),
  changeLine((line) => ` ${line}`),
  changeLine((line) => line.replace(/^ /, "")),
  changeLine((line) => `${line}\n${line}`),
  changeLine((line) => line.replace(": ", ":")),
  changeLine((line) => line.replace(":", " :")),
  changeLine((line) => line.replace(/: (.*)$/, ": !!str $1")),
  changeLine((line) => line.replace(/: (.*)$/, ": &anchor $1")),
  changeLine((line) => line.replace(/: (.*)$/, ": |\n  $1")),
  changeLine((line) => `${line} # a comment`),
  changeLine((line) => `${line}#`),
  changeLine(() => ""),
  insert("\u0000", "\u0007", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffe", "\t", "😀"),
  insert("'", '"', "[", "]", "{", "}", ",", ":", "- ", "? ", "*a", "&a ", "!a ", "|", ">", "%", "@", "`", "#"),
];

/** One change of a text of YAML. */
export function changeText(text: string, choices: Choices): string {
  return choices.pick(CHANGES)(text, choices);
}
