import { printable } from "./text.ts";

/** Something that is wrong with a text of YAML. */
export interface YamlIssue {
  /**
   * Decides where the message goes: after "is not YAML: " for `syntax`, after "cannot be expanded: " for `expansion`, and
   * after the file's name for the others.
   */
  readonly kind: "syntax" | "limit" | "expansion" | "alias" | "characters" | "space" | "property" | "key" | "documents";
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** An issue by its place in the text. */
export interface PlacedIssue extends Pick<YamlIssue, "kind" | "message"> {
  readonly offset: number;
}

/** An issue as the end of a sentence: `is not YAML: ...`. The parser's words may contain those of the text. */
export function describeYamlIssue({ kind, message, line, column }: YamlIssue): string {
  if (kind === "limit") return message;
  const words = printable(message);
  if (kind === "expansion") return `cannot be expanded: ${words}`;
  if (kind === "syntax") return `is not YAML: line ${line}, column ${column}: ${words}`;
  return `${words} (line ${line}, column ${column})`;
}
