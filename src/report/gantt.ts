import type { Phase } from "../timeline.ts";
import { fenced, type Markdown } from "./markdown/blocks.ts";

/** The phases as a Mermaid Gantt chart, which GitHub draws where Markdown has it as a code block. */
export function renderGantt(phases: readonly Phase[]): Markdown {
  const tasks = phases.toSorted((a, b) => a.start - b.start);
  return fenced("mermaid", [
    "gantt",
    // Milliseconds since the step began, shown in seconds: a clock would depend on the reader's time zone.
    "    dateFormat x",
    "    axisFormat %s s",
    "    todayMarker off",
    ...tasks.map(renderTask),
  ]);
}

/** Mermaid's tags for the colour of a bar: failed is red, stopped grey. */
const TAGS = { running: "active, ", done: "", failed: "crit, ", stopped: "done, " } as const;

function renderTask({ name, start, end = start, state }: Phase): string {
  // A bar without a length would be drawn as a day long.
  const until = Math.max(end, start + 1);
  return `    ${taskName(name)} (${((end - start) / 1000).toFixed(1)} s) :${TAGS[state]}${start}, ${until}`;
}

/** A longer name would not fit next to its bar. */
const LONGEST_NAME = 200;

/**
 * A name without what has a meaning in Mermaid: a colon ends a name, a semicolon a line, a number sign begins an entity,
 * brackets an HTML tag, and some words a statement if they come first.
 */
function taskName(name: string): string {
  const plain = name
    .slice(0, LONGEST_NAME)
    .replace(/[^\p{L}\p{M}\p{N} '"()+,./=@_-]+/gu, " ")
    .replace(/ +/g, " ")
    .trim();
  return STATEMENT.test(plain) ? `- ${plain}` : plain;
}

const STATEMENT =
  /^(?:gantt|section|title|click|call|href|dateFormat|axisFormat|tickInterval|inclusiveEndDates|topAxis|includes|excludes|todayMarker|week|acc|\d{4}-\d\d-\d\d)/i;
