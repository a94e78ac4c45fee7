import { join } from "node:path";
import type { LayoutInputs } from "../../inputs/torch.ts";
import { COMPONENTS, forEachComponent, type PerComponent } from "../components.ts";

/** Where things are looked for in a checkout; every path is relative to its root. */
export interface Layout {
  /** The folder of the examples, of which one is chosen. */
  readonly examples: string;
  /** The example's folder with the compose files and the plans. */
  readonly docker: string;
  readonly components: PerComponent<ComponentLayout>;
  /** The zip of BPMN plans; `undefined`: the only one of its name in the docker folder. */
  readonly plans: string | undefined;
}

/** Where a component is looked for. */
export interface ComponentLayout {
  readonly composeFile: string;
  /** The build context. */
  readonly folder: string;
  /** Whether an input names that folder: then it takes precedence over the compose file. */
  readonly explicit: boolean;
}

/** Plans where to look in a checkout: the guide's layout, unless inputs set another. */
export function planLayout(example: string, inputs: LayoutInputs): Layout {
  const docker = inputs.exampleFolder ?? join("examples", example, "docker");
  return {
    examples: "examples",
    docker,
    components: forEachComponent(({ name }) => ({
      composeFile: join(docker, COMPONENTS[name].composeFile),
      folder: inputs.folders[name] ?? COMPONENTS[name].folder,
      explicit: inputs.folders[name] !== undefined,
    })),
    plans: inputs.plans,
  };
}

/** Those of a folder's files that are a zip of BPMN plans (`bpmn_plans_v2_3_8.zip`). */
export function selectPlans(files: readonly string[]): readonly string[] {
  return files.filter((file) => /bpmn.*\.(?:zip|bar)$/i.test(file));
}
