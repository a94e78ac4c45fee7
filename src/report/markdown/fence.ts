import { LINE_END, makeVisible } from "./escape.ts";

const FENCES = ["~", "`"] as const;
const SHORTEST_FENCE = 8;
const LONGEST_FENCE = 200;

/** Lines in a code block that none of them can end. */
export function fenceLines(language: "text" | "mermaid", lines: readonly string[]): readonly string[] {
  const shown = lines.flatMap((line) => line.split(LINE_END)).map(makeVisible);
  const runs = FENCES.map((mark) => [longestRun(shown, mark), mark] as const);
  const [run, mark] = runs.toSorted(([a], [b]) => a - b)[0] ?? [0, FENCES[0]];
  const fence = mark.repeat(Math.min(Math.max(run + 1, SHORTEST_FENCE), LONGEST_FENCE));
  const closing = new RegExp(`^ {0,3}${mark}+[ \\t]*$`);
  // GitHub's parser counts a fence up to 255: a longer line would end it, but not one that is indented by four.
  const held = run < LONGEST_FENCE ? shown : shown.map((line) => (closing.test(line) ? `    ${line}` : line));
  return [`${fence}${language}`, ...held, fence];
}

function longestRun(lines: readonly string[], mark: string): number {
  const runs = new RegExp(`${mark}+`, "g");
  return lines.reduce(
    (longest, line) => (line.match(runs) ?? []).reduce((most, { length }) => Math.max(most, length), longest),
    0,
  );
}
