import type { Phase } from "./timeline.ts";

/**
 * The phases as a Mermaid Gantt chart, which GitHub draws where Markdown has it as a code block. Empty without a phase.
 */
export function renderGantt(phases: readonly Phase[]): readonly string[] {
  if (phases.length === 0) return [];
  const tasks = phases.toSorted((a, b) => a.start - b.start);
  return [
    "```mermaid",
    "gantt",
    // Milliseconds since the step began, shown in seconds: a clock would depend on the reader's time zone.
    "    dateFormat x",
    "    axisFormat %s s",
    "    todayMarker off",
    ...tasks.map(renderTask),
    "```",
  ];
}

/** How Mermaid is told to colour a bar: failed is red, stopped grey. */
const TAGS = { running: "active, ", done: "", failed: "crit, ", stopped: "done, " } as const;

function renderTask({ name, start, end = start, state }: Phase): string {
  // A bar without a length would be drawn as a day long.
  const until = Math.max(end, start + 1);
  return `    ${taskName(name)} (${((end - start) / 1000).toFixed(1)} s) :${TAGS[state]}${start}, ${until}`;
}

/** A name without what Mermaid takes for its own: a colon ends a name, a semicolon a line, a number sign begins an entity. */
function taskName(name: string): string {
  return name.replace(/[:;#%\s]+/g, " ").trim();
}
