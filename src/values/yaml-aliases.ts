import { type Alias, isAlias, isCollection, isNode, isPair, isScalar } from "yaml";
import type { PlacedIssue } from "./yaml-issue.ts";
import { YAML_LIMITS } from "./yaml-limits.ts";

/** How large and how deep something is with its aliases expanded. */
interface Extent {
  readonly size: number;
  readonly depth: number;
}

const NOTHING: Extent = { size: 1, depth: 0 };

/** Why a document must not be expanded; `undefined` where the result is no larger and no deeper than allowed. */
export function findExpansionExcess(root: unknown): PlacedIssue | undefined {
  const meter = new ExpansionMeter();
  meter.measure(root);
  return meter.issue;
}

class ExpansionMeter {
  /** The first issue that was found. */
  issue: PlacedIssue | undefined;
  /** What each anchor contains; `open` while that is measured. */
  readonly #anchors = new Map<string, Extent | "open">();

  measure(node: unknown): Extent {
    if (this.issue !== undefined) return NOTHING;
    if (isAlias(node)) return this.#measureAlias(node);
    const anchor = anchorOf(node);
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const extent = this.#measureContent(node);
    if (anchor !== undefined) this.#anchors.set(anchor, extent);
    this.issue ??= checkExtent(extent);
    return extent;
  }

  #measureAlias({ source, range }: Alias): Extent {
    const extent = this.#anchors.get(source);
    if (extent !== undefined && extent !== "open") return extent;
    this.issue =
      extent === "open"
        ? { kind: "expansion", message: `the anchor ${source} contains an alias of itself`, offset: 0 }
        : {
            kind: "alias",
            message: `has the alias *${source} without an anchor &${source} before it`,
            offset: range?.[0] ?? 0,
          };
    return NOTHING;
  }

  #measureContent(node: unknown): Extent {
    let size = 1 + (isScalar(node) ? String(node.value ?? "").length : 0);
    let depth = 0;
    for (const part of partsOf(node)) {
      const inner = this.measure(part);
      size += inner.size;
      depth = Math.max(depth, inner.depth);
    }
    return { size, depth: isCollection(node) ? depth + 1 : depth };
  }
}

function anchorOf(node: unknown): string | undefined {
  return isNode(node) && "anchor" in node && typeof node.anchor === "string" ? node.anchor : undefined;
}

function partsOf(node: unknown): readonly unknown[] {
  if (isPair(node)) return [node.key, node.value];
  return isCollection(node) ? node.items : [];
}

function checkExtent({ size, depth }: Extent): PlacedIssue | undefined {
  if (size > YAML_LIMITS.expanded) {
    const message = `its aliases expand it to more than ${YAML_LIMITS.expanded} characters`;
    return { kind: "expansion", message, offset: 0 };
  }
  if (depth <= YAML_LIMITS.depth) return undefined;
  const message = `its aliases nest lists and mappings more than ${YAML_LIMITS.depth} levels deep`;
  return { kind: "expansion", message, offset: 0 };
}
