import type { EngineSite } from "../../docker/site.ts";
import type { Exec } from "../../exec.ts";
import type { Log } from "../../runner/log.ts";
import type { Tasks } from "../../tasks.ts";
import type { Timeline } from "../../timeline.ts";
import type { CheckedCheckout } from "../checkout/checkout.ts";
import type { TorchPlan } from "../plan.ts";
import type { Builder } from "./builder.ts";

/** What is booted. */
export interface StackRequest {
  readonly plan: TorchPlan;
  readonly checkout: CheckedCheckout;
  readonly builder: Builder;
  readonly site: EngineSite;
  readonly runDirectory: string;
}

/** What a boot works with. */
export interface StackTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly tasks: Tasks;
  /** Has this step join a network where it runs in a container, so that it reaches the components. */
  readonly join: (network: string) => Promise<void>;
}
