import assert from "node:assert/strict";
import type { UserConfiguration } from "../../../../src/cluster/config/read.ts";
import { type RunAdditions, renderKindConfiguration } from "../../../../src/cluster/config/render.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { fastBootPatch } from "../../../../src/cluster/fast-boot/patch.ts";
import { planFastBoot } from "../../../../src/cluster/fast-boot/plan.ts";
import { ADDITIONS, createInputs, VERSIONS } from "../../builders.ts";

/** What kind gets, read again. */
export interface Rendered {
  readonly name: string;
  readonly networking: Readonly<Record<string, unknown>>;
  readonly kubeadmConfigPatches: readonly string[];
  readonly containerdConfigPatches?: readonly string[];
  readonly nodes: readonly {
    readonly role?: string;
    readonly image: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly extraMounts: readonly { readonly hostPath: string; readonly containerPath: string }[];
    readonly kubeadmConfigPatches?: readonly string[];
  }[];
}

export interface RenderOptions extends Partial<RunAdditions> {
  readonly user?: UserConfiguration;
  readonly fastBoot?: boolean;
}

/** What kind gets for these inputs and this configuration. */
export function render(
  overrides: Parameters<typeof createInputs>[0],
  { user, fastBoot, ...additions }: RenderOptions = {},
) {
  const shape = planShape(createInputs(overrides), user);
  assert.deepEqual(shape.problems, []);
  const isFast = fastBoot === true && "fastBoot" in planFastBoot(shape, user, "1.28.15");
  const rendered: Rendered = JSON.parse(
    renderKindConfiguration(shape, VERSIONS, user, {
      ...ADDITIONS,
      defaults: isFast ? [fastBootPatch()] : [],
      ...additions,
    }),
  );
  return rendered;
}
