import type { Exec } from "./exec.ts";
import type { JournalState } from "./journal.ts";
import type { Decisions } from "./plan/decide.ts";
import type { Runner } from "./runner/runner.ts";
import type { Tasks } from "./tasks.ts";

/** What every stage of a run works with. */
export interface StepContext extends Decisions {
  readonly runner: Runner;
  readonly exec: Exec;
  /** What post has to know; written before the effect that it would have to undo. */
  readonly journal: JournalState;
  /** What runs beside the stages, and stops them when it fails. */
  readonly tasks: Tasks;
}
