import type { Exec } from "./exec.ts";
import type { Journal } from "./journal.ts";
import type { Decided } from "./plan/decide.ts";
import type { Runner } from "./runner/runner.ts";
import type { Tasks } from "./tasks.ts";

/** What every stage of a run works with: the runner's side, what was decided, and what the work is done through. */
export interface StepContext extends Runner, Decided {
  readonly exec: Exec;
  /** What post has to know; updated before the effect that it would have to undo. */
  readonly journal: Journal;
  /** What runs beside the stages, and stops them when it fails. */
  readonly tasks: Tasks;
}
