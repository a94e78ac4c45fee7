import type { Timeline } from "../timeline.ts";
import type { Folders } from "../values/paths.ts";
import type { Log } from "./log.ts";

/** The runner's side of a run. */
export interface Runner {
  readonly environment: NodeJS.ProcessEnv;
  readonly folders: Folders;
  readonly log: Log;
  readonly timeline: Timeline;
  /** Marks the programs that inspect the machine, as the run's folder marks those of the run. */
  readonly inspection: string;
  /** Passes the run's folder to post; called before anything is created in it. */
  readonly saveRunDirectory: (path: string) => void;
}
