import type { Decision } from "../decision.ts";
import type { Run } from "../process.ts";
import type { Runner } from "../runner/runner.ts";
import type { RunRecord } from "../runner/state.ts";
import type { Tasks } from "../tasks.ts";

/** What every stage of a run works with. */
export interface Session extends Decision {
  readonly runner: Runner;
  readonly run: Run;
  /** What post has to know; written before the effect that it would have to undo. */
  readonly record: RunRecord;
  /** What runs beside the stages, and stops them when it fails. */
  readonly tasks: Tasks;
}
