import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Checkout } from "../../../../src/torch/checkout/checkout.ts";
import { forEachComponent } from "../../../../src/torch/components.ts";
import type { ComposeModel, ComposeService } from "../../../../src/torch/compose/model.ts";
import { makeFolder } from "../../builders.ts";

/** A bind mount of a compose model. */
export const bind = (source: string, readOnly = false) => ({
  type: "bind",
  source,
  target: "/x",
  ...(readOnly ? { read_only: true } : {}),
});

/** A compose model with one service. */
export const modelOf = (service: ComposeService, more: Partial<ComposeModel> = {}): ComposeModel => ({
  services: { web: service },
  ...more,
});

/** A machine of the test's own: a workspace with a checkout, the runner's folders, a home. */
export async function makeMachine(context: TestContext) {
  const root = await realpath(await makeFolder(context));
  const at = (...parts: readonly string[]) => join(root, ...parts);
  for (const folder of ["ws/torch/data", "ws/torch/service-layer", "ws/other", "temp", "tools", "home/.ssh", "free"]) {
    await mkdir(at(folder), { recursive: true });
  }
  const environment = { RUNNER_TEMP: at("temp"), RUNNER_TOOL_CACHE: at("tools"), HOME: at("home") };
  /** A checkout whose service layer is built from its folder, and whose compose files have these mounts. */
  const checkout = (mounts: readonly string[]): Checkout => ({
    root: at("ws/torch"),
    plans: at("ws/torch/plans.zip"),
    components: forEachComponent(({ name }) => ({
      composeFile: at("ws/torch", `${name}.yaml`),
      model: modelOf({ volumes: mounts.map((source) => bind(source)) }),
      service: "web",
      port: { target: 1, published: 1, own: true },
      build: {
        context: at("ws/torch/service-layer"),
        dockerfile: at("ws/torch/service-layer/Dockerfile"),
        args: {},
        target: undefined,
      },
    })),
  });
  return { at, environment, checkout };
}
