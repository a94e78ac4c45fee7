/**
 * A table as lines of Markdown; each row has as many cells as the head.
 * @param head cells that are Markdown already, with every pipe in them escaped, as in `rows`.
 */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${head.map((_, index) => cells[index] ?? "").join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}
