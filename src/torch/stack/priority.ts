import { setShares } from "../../docker/containers.ts";
import { setsVariable } from "../../docker/images.ts";
import { describeError } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { restoreDefaultWeight } from "../../host/cpu-weight.ts";
import type { Log } from "../../runner/log.ts";
import type { ComposeModel } from "../compose/model.ts";
import { findOwnKey } from "../compose/plan.ts";
import { FAST_START_JAVA_OPTIONS, withoutDefault } from "../compose/tuning.ts";

/** A component's model for its image: one that has options for Java keeps them, as a compose file does. */
export async function withFastJava(model: ComposeModel, image: string, exec: Exec): Promise<ComposeModel> {
  if (!(await setsVariable(image, "JAVA_TOOL_OPTIONS", exec))) return model;
  return withoutDefault(model, findOwnKey(model), "JAVA_TOOL_OPTIONS", FAST_START_JAVA_OPTIONS);
}

/** Gives a component back the share of the processors that its compose file sets, or the usual one. */
export async function restoreShares(
  model: ComposeModel,
  container: string,
  { exec, log }: { readonly exec: Exec; readonly log: Log },
): Promise<void> {
  const own = model.services[findOwnKey(model)]?.cpu_shares;
  try {
    // 0 stands for the default too.
    await (own ? setShares(container, own, exec) : restoreDefaultWeight(container, exec));
  } catch (error) {
    // A container that has gone is reported by what waits for it.
    log.debug(describeError(error));
  }
}
