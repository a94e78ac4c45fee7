/** A failure or a warning of a source file, with the expressions of its text. */
export interface SourceText {
  /** The file and the line that it is made in. */
  readonly site: string;
  readonly text: string;
}

/** A string, a template with templates in it, a bracket, a comma, or anything else up to the next of these. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\})*`|([([{])|([)\]}])|(,)|[^"`()[\]{},]+/g;

/** The failures and the warnings that a source file makes, in its order. */
export function findTexts(path: string, source: string): readonly SourceText[] {
  const texts = [...source.matchAll(/(?:new Failure|log\.warning)\(/g)].map(({ 0: call, index }) => {
    const [message = "", options = ""] = readArguments(source.slice(index + call.length));
    const [, fix] = /\bfix: (.*)/s.exec(options) ?? [];
    const parts = [literal(message), fix === undefined ? "" : `Fix: ${literal(readArguments(fix)[0] ?? "")}.`];
    const line = source.slice(0, index).split("\n").length;
    return { site: `${path}:${line}`, text: parts.filter((part) => part !== "").join(" ") };
  });
  // A warning that another function gave has no text here.
  return texts.filter(({ text }) => !/^\$\{[\w.]+\}$/.test(text));
}

/** The arguments of a call, from the text behind its bracket. */
function readArguments(source: string): readonly string[] {
  const read = [""];
  let depth = 0;
  for (const [token, opening, closing, comma] of source.matchAll(TOKEN)) {
    if (opening !== undefined) depth += 1;
    if (closing !== undefined) depth -= 1;
    if (depth < 0) break;
    if (comma !== undefined && depth === 0) read.push("");
    else read.push(`${read.pop()}${token}`);
  }
  return read.map((argument) => argument.trim());
}

/** An expression as the inside of a template, on one line. */
function literal(expression: string): string {
  const [, text] = /^["`](.*)["`]$/s.exec(expression) ?? [];
  const shown = text ?? `\${${expression.length > 60 ? "..." : expression}}`;
  return shown.replaceAll(/\\n|\s+/g, " ");
}
