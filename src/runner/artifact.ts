import type { CallerFiles } from "../command/files.ts";
import type { PublicFiles } from "../credentials/publication.ts";
import { Failure } from "../errors.ts";
import type { LogFolder } from "../logs/folder.ts";
import { limitTime } from "../poll.ts";

/** Files to keep beyond the job: those of the credentials that are public, logs without secrets, or the caller's own. */
export interface ArtifactRequest {
  readonly name: string;
  readonly content: PublicFiles | LogFolder | CallerFiles;
  readonly retentionDays: number;
}

/** An artifact as the service has it. */
export interface UploadedArtifact {
  readonly name: string;
  readonly id: string;
  readonly url: string;
}

const UPLOAD_SECONDS = 300;

/** Whether this runner has an artifact service; GitHub Enterprise Server and a machine without a runner do not. */
export function hasArtifactService(environment: NodeJS.ProcessEnv): boolean {
  const server = environment.GITHUB_SERVER_URL ?? "";
  const host = URL.canParse(server) ? new URL(server).hostname : "github.com";
  const hosted = host === "github.com" || host.endsWith(".ghe.com") || host.endsWith(".localhost");
  return hosted && (environment.ACTIONS_RUNTIME_TOKEN ?? "") !== "" && (environment.ACTIONS_RESULTS_URL ?? "") !== "";
}

/** Uploads an artifact. @throws Failure with the service's reason, or if it times out. */
export async function uploadArtifact(
  request: ArtifactRequest,
  environment: NodeJS.ProcessEnv,
): Promise<UploadedArtifact> {
  // Loaded when needed: it is most of the bundle.
  const { DefaultArtifactClient } = await import("@actions/artifact");
  try {
    const { content } = request;
    const directory = "path" in content ? content.path : content.directory;
    const upload = new DefaultArtifactClient().uploadArtifact(request.name, [...content.files], directory, {
      retentionDays: request.retentionDays,
    });
    const late = () => new Error(`it timed out after ${UPLOAD_SECONDS} s`);
    const { id } = await limitTime(upload, UPLOAD_SECONDS * 1000, late);
    const run = `${environment.GITHUB_SERVER_URL}/${environment.GITHUB_REPOSITORY}/actions/runs/${environment.GITHUB_RUN_ID}`;
    return { name: request.name, id: String(id ?? ""), url: `${run}/artifacts/${id}` };
  } catch (error) {
    throw new Failure(
      `The artifact ${request.name} could not be uploaded: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** The default name: unique in a workflow run by cluster, job and matrix index, and by attempt if there is more than one. */
export function defaultArtifactName(
  prefix: string,
  cluster: string,
  environment: NodeJS.ProcessEnv,
  matrixIndex: string | undefined,
): string {
  const attempt = environment.GITHUB_RUN_ATTEMPT ?? "1";
  return [prefix, cluster, environment.GITHUB_JOB, matrixIndex, attempt === "1" ? undefined : `attempt${attempt}`]
    .filter((part) => part !== undefined && part !== "")
    .join("-");
}
