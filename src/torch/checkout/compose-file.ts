import { visit } from "yaml";
import { describeError } from "../../errors.ts";
import { readBounded, SizeError } from "../../values/files.ts";
import { readYamlText } from "../../values/yaml.ts";
import { describeYamlIssue } from "../../values/yaml-issue.ts";

/** Of each compose file. */
const MAX_BYTES = 512 * 1024;

/** Line breaks for compose, which reads YAML 1.1, but not in YAML 1.2: what follows one could be hidden in a comment. */
const OTHER_BREAK = /\r(?!\n)|[\0\u0085\u2028\u2029]/;

/** Reads a compose file's YAML, if compose would read the same. The reason goes on after the file's name. */
export async function readComposeFile(
  file: string,
): Promise<{ readonly value: unknown } | { readonly reason: string }> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readBounded(file, MAX_BYTES));
  } catch (error) {
    if (error instanceof SizeError) return { reason: `is larger than ${MAX_BYTES} bytes` };
    return { reason: `cannot be read as UTF-8: ${describeError(error)}` };
  }
  if (OTHER_BREAK.test(text)) return { reason: "has a line break that is neither LF nor CRLF, or a NUL" };
  const read = readYamlText(text, { uniqueKeys: false, maxBytes: MAX_BYTES });
  if ("issues" in read) return { reason: read.issues.slice(0, 3).map(describeYamlIssue).join("; ") };
  let binary = false;
  visit(read.document, {
    Node(_, node) {
      // Compose decodes it, also in a key, and so would read another name than this check does.
      if ("tag" in node && typeof node.tag === "string" && /binary/i.test(node.tag)) binary = true;
    },
  });
  return binary ? { reason: "has text with the tag !!binary" } : { value: read.value };
}
