import { planPlatform } from "../docker/save.ts";
import type { ImageArchive } from "../inputs/image-archives.ts";
import type { PlanFacts } from "./facts.ts";

/** The images that are loaded into the nodes. */
export interface LoadPlan {
  /** Those of the job's Docker. */
  readonly references: readonly string[];
  /** The platform that Docker is asked for; `undefined` where it saves what it has. */
  readonly platform: string | undefined;
  readonly archives: readonly ImageArchive[];
}

/** Decides which images are loaded into the nodes; `undefined` where none is asked for. */
export function planLoad({ inputs, files, host }: Pick<PlanFacts, "inputs" | "files" | "host">): LoadPlan | undefined {
  if (inputs.loadImages.length === 0) return undefined;
  const references = inputs.loadImages.flatMap((source) => (source.kind === "reference" ? [source.reference] : []));
  const { engine, architecture } = host;
  return {
    references: [...new Set(references)],
    platform: engine instanceof Error ? undefined : planPlatform(engine, architecture),
    archives: files.imageArchives,
  };
}
