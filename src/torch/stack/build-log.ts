/** What a build took from earlier ones. */
export interface BuildReport {
  /** How many steps its Dockerfile has, without `FROM`. */
  readonly steps: number;
  /** How many of them did not run. */
  readonly cached: number;
  /** Why layers of earlier runs were not used, or these not kept for later ones; empty where nothing was wrong. */
  readonly notes: readonly string[];
}

/** How much of a build came from the cache: `7 of 9 steps from the cache`. */
export function describeSteps({ steps, cached }: BuildReport): string {
  return `${cached} of ${steps} steps from the cache`;
}

/** How long a build waits for a cache that gives no sign of life. */
export interface CacheLimits {
  /** For the list of what is in the cache. */
  readonly listSeconds: number;
  /** For the next bytes of a layer. */
  readonly readSeconds: number;
  /** For the cache to take a layer. */
  readonly writeSeconds: number;
}

/** Lists are small; a layer of a gigabyte on a slow connection takes a while. */
export const CACHE_LIMITS: CacheLimits = { listSeconds: 30, readSeconds: 30, writeSeconds: 120 };

/** A line of BuildKit's plain progress that a build is followed by. */
export type BuildLine =
  | { readonly vertex: string; readonly kind: "step"; readonly step: string }
  | { readonly vertex: string; readonly kind: "import" | "export" }
  | { readonly vertex: string; readonly kind: "done" | "cached" | "extract" }
  | { readonly vertex: string; readonly kind: "error"; readonly reason: string }
  | { readonly vertex: string; readonly kind: "transfer"; readonly layer: string; readonly bytes: string }
  | { readonly vertex: string; readonly kind: "other" };

/** Reads a line of BuildKit's plain progress; `undefined` where it belongs to no part of a build. */
export function parseBuildLine(line: string): BuildLine | undefined {
  const [, vertex, text = ""] = /^#(\d{1,9}) (.*)$/s.exec(line) ?? [];
  if (vertex === undefined) return undefined;
  if (/^\[(?:[^\]\s]+ )?\d+\/\d+\] (?!FROM )/.test(text)) return { vertex, kind: "step", step: text };
  if (/^importing cache manifest from gha:/.test(text)) return { vertex, kind: "import" };
  if (text === "exporting to GitHub Actions Cache") return { vertex, kind: "export" };
  if (text === "CACHED") return { vertex, kind: "cached" };
  if (text.startsWith("extracting sha256:")) return { vertex, kind: "extract" };
  if (/^DONE \d/.test(text)) return { vertex, kind: "done" };
  const [, reason] = /^ERROR: (.*)$/s.exec(text) ?? [];
  if (reason !== undefined) return { vertex, kind: "error", reason: withoutPaths(reason) };
  const [, layer, bytes] = /^sha256:([0-9a-f]{64}) (\S+ \/ \S+)(?: \S+s)?(?: done)?$/.exec(text) ?? [];
  if (layer !== undefined && bytes !== undefined) {
    return { vertex, kind: "transfer", layer, bytes: text.endsWith(" done") ? "done" : bytes };
  }
  return { vertex, kind: "other" };
}

/** An address of a cache lets its bearer read or write: only the host is shown. */
export function withoutPaths(text: string): string {
  return text.replace(/(https?:\/\/[^/\s"?#]+)[^\s"]*/g, "$1");
}

/** A step of a Dockerfile. */
interface Step {
  readonly step: string;
  /** Whether it was cached the last time that it ended. */
  cached: boolean;
  /** Whether its layers arrive: a cached step is not called so where the next one needs them. */
  arrives: boolean;
}

function followStep(step: Step, kind: BuildLine["kind"], before: BuildLog | undefined): void {
  if (kind === "cached" || kind === "transfer" || kind === "extract") {
    step.cached = before?.ran(step.step) !== true;
    step.arrives = kind !== "cached";
  }
  // DONE without a layer: it ran, also where it was called cached before, and the cache has lost a layer since.
  if (kind === "error" || (kind === "done" && !step.arrives)) step.cached = false;
  if (kind === "error" || kind === "done") step.arrives = false;
}

/** Follows a build by its plain progress. */
export class BuildLog {
  readonly #before: BuildLog | undefined;
  /** The steps of the Dockerfile by their vertices. */
  readonly #steps = new Map<string, Step>();
  readonly #kinds = new Map<string, "import" | "export">();
  readonly #notes: string[] = [];
  /** What of the cache is waited for, and since when nothing came. */
  #waiting: { readonly vertex: string; readonly kind: "import" | "export"; since: number } | undefined;
  /** How much of each layer has arrived, by the step that it belongs to. */
  readonly #transfers = new Map<string, Map<string, string>>();
  #lastTransfer = 0;

  /** @param before an earlier try of the same run: what it ran is in the builder, and came from no earlier run. */
  constructor(before?: BuildLog) {
    this.#before = before;
  }

  /** @param now in milliseconds. */
  add(line: string, now: number): void {
    const parsed = parseBuildLine(line);
    if (parsed === undefined) return;
    const { vertex } = parsed;
    if (parsed.kind === "step" && !this.#steps.has(vertex)) {
      this.#steps.set(vertex, { step: parsed.step, cached: false, arrives: false });
    }
    const step = this.#steps.get(vertex);
    if (step !== undefined) followStep(step, parsed.kind, this.#before);
    if (parsed.kind === "error") this.#fail(vertex, parsed.reason);
    this.#follow(parsed, now);
  }

  get report(): BuildReport {
    const steps = [...this.#steps.values()];
    return { steps: steps.length, cached: steps.filter(({ cached }) => cached).length, notes: this.#notes };
  }

  /** Whether all is built, and layers are being written to the cache. */
  get writes(): boolean {
    return this.#waiting?.kind === "export";
  }

  /** Whether a step of this text began and was not cached. */
  ran(step: string): boolean {
    return [...this.#steps.values()].some((each) => each.step === step && !each.cached);
  }

  /** What the cache keeps the build waiting for, as a note; `undefined` while it does not. */
  stall(now: number, limits: CacheLimits): string | undefined {
    const waits = this.#waiting === undefined ? 0 : (now - this.#waiting.since) / 1000;
    if (this.#waiting?.kind === "import" && waits > limits.listSeconds) {
      return `${NOT_USED}: the cache did not answer within ${limits.listSeconds} s`;
    }
    if (this.#waiting?.kind === "export" && waits > limits.writeSeconds) {
      return `${NOT_KEPT}: the cache took nothing for ${limits.writeSeconds} s`;
    }
    const open = [...this.#transfers.values()].some((layers) => [...layers.values()].some((bytes) => bytes !== "done"));
    if (open && (now - this.#lastTransfer) / 1000 > limits.readSeconds) {
      return `${NOT_USED}: the cache sent nothing for ${limits.readSeconds} s`;
    }
    return undefined;
  }

  #follow(line: BuildLine, now: number): void {
    const { vertex, kind } = line;
    if (kind === "import" || kind === "export") this.#kinds.set(vertex, kind);
    const open = this.#kinds.get(vertex);
    if (open !== undefined) {
      const ended = kind === "done" || kind === "error" || kind === "cached";
      // A list that is read prints nothing until it is there: its wait is one.
      const since = open === "import" ? (this.#waiting?.since ?? now) : now;
      this.#waiting = ended ? undefined : { vertex, kind: open, since };
    }
    if (kind === "done" || kind === "error") this.#transfers.delete(vertex);
    // Layers of a base image arrive at `FROM`, which is not a step, and are not the cache's.
    if (kind !== "transfer" || !this.#steps.has(vertex)) return;
    const layers = this.#transfers.get(vertex) ?? new Map<string, string>();
    if (layers.get(line.layer) !== line.bytes) this.#lastTransfer = now;
    this.#transfers.set(vertex, layers.set(line.layer, line.bytes));
  }

  #fail(vertex: string, reason: string): void {
    const kind = this.#kinds.get(vertex);
    if (kind === "import") this.#note(`${NOT_USED}: ${reason}`);
    if (kind === "export") this.#note(`${NOT_KEPT}: ${reason}`);
    // BuildKit runs the step where the cache lists a layer that it does not have.
    if (kind === undefined && /^blob sha256:[0-9a-f]+: not found$/.test(reason)) this.#note(`${NOT_USED}: ${EVICTED}`);
  }

  #note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text);
  }
}

const NOT_USED = "layers of earlier runs were not used";
const NOT_KEPT = "layers were not kept for later runs";
const EVICTED = "the cache has removed some of them";
