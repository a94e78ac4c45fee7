import { join } from "node:path";
import type { StepContext } from "../context.ts";
import { gatherPublicFiles } from "../credentials/publication.ts";
import { describeError } from "../errors.ts";
import { hasArtifactService, type UploadedArtifact, uploadArtifact } from "../runner/artifact.ts";

/** Uploads the credential artifact. Where that cannot be done, the files stay where they are. */
export async function publish(
  { environment, log, timeline, inputs, plan }: StepContext,
  privateKey: string,
): Promise<UploadedArtifact | undefined> {
  if (!inputs.artifact) return undefined;
  if (!hasArtifactService(environment)) {
    log.warning(
      `No artifact service on this runner: the credentials are only in ${plan.credentials.directory}. Fix: set artifact: false if you do not need one.`,
    );
    return undefined;
  }
  const passphrase = inputs.artifactPassphrase;
  const content = await gatherPublicFiles(
    plan.credentials,
    passphrase === undefined ? undefined : { privateKey, passphrase, directory: join(plan.runDirectory, "artifact") },
  );
  const request = { content, name: plan.artifactName, retentionDays: inputs.artifactRetentionDays };
  try {
    return await timeline.measure("Upload artifact", () => uploadArtifact(request, environment));
  } catch (error) {
    // The cluster works, and few jobs need the artifact: those find its name empty.
    log.warning(
      `${describeError(error)}. The credentials are only in ${plan.credentials.directory}. Fix: run the job again where a later job needs them, or set artifact: false.`,
    );
    return undefined;
  }
}
