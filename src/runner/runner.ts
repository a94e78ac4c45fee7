import type { Folders } from "../inputs/inputs.ts";
import type { Timeline } from "../timeline.ts";
import type { Log } from "./log.ts";

/** The runner's side of a run. */
export interface Runner {
  readonly environment: NodeJS.ProcessEnv;
  readonly folders: Folders;
  readonly log: Log;
  readonly timeline: Timeline;
  /** Tells post where the run's folder is; called before anything is made in it. */
  readonly saveRunDirectory: (path: string) => void;
}
