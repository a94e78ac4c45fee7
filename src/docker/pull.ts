import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { pause } from "../poll.ts";
import { docker } from "./client.ts";
import { hasImage } from "./images.ts";

const MAX_TRIES = 3;

/** How an image is pulled. */
export interface PullOptions {
  /** Whether it is pulled although the engine has it. */
  readonly again?: boolean;
  /** Another platform than the machine's. */
  readonly platform?: string;
}

/**
 * Pulls an image under exactly the reference that kind will look for, unless the engine has it. It tries three times: a
 * passing error of a registry must not cost the job.
 */
export async function pullImage(
  image: string,
  exec: Exec,
  onLine: (line: string) => void,
  { again = false, platform }: PullOptions = {},
): Promise<"present" | "pulled"> {
  if (!again && (await hasImage(image, exec, platform))) return "present";
  const options = { timeoutSeconds: 900, purpose: `pulling ${image}`, onLine };
  for (let tries = 1; ; tries += 1) {
    try {
      await docker(pullArgs(image, platform), options, exec);
      return "pulled";
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const failure = describePullError(image, error);
      if (!failure.retryable || tries === MAX_TRIES) throw failure;
      onLine(`Pull failed (try ${tries} of ${MAX_TRIES}), trying again: ${error.message}`);
      await pause(tries * 3000);
    }
  }
}

/** Arguments that pull an image. */
function pullArgs(image: string, platform: string | undefined): readonly string[] {
  return ["pull", "--quiet", ...(platform === undefined ? [] : [`--platform=${platform}`]), image];
}

const PULL_FIXES = {
  no: "check the image's name, and log in to its registry in an earlier step if it is private",
  limit:
    "log in to Docker Hub in an earlier step (docker/login-action), pull through a mirror (registry-mirrors in Docker's daemon.json), or load the image before the step (docker load); the limit lasts for hours",
  busy: "run the job again later, or log in to the registry in an earlier step: it gets too many requests",
  disk: "free disk space in an earlier step (docker system prune --all), or use a runner with a larger disk",
  network:
    "run the job again; if this runner does not reach the registry, name an image of one it reaches (node-image for the nodes), or load it before the step (docker load)",
} as const;

function describePullError(image: string, error: CommandError): Failure {
  const refusal = readPullRefusal(image, error.stderr);
  const limit = refusal === "limit" ? `${image} was not pulled: Docker Hub's pull limit is reached. ` : "";
  return new Failure(`${limit}${error.message}`, {
    fix: PULL_FIXES[refusal],
    cause: error,
    retryable: refusal === "busy" || refusal === "network",
  });
}

/**
 * Why an image is not pulled: `no` and `limit` are the registry's last word, `disk` is the engine's; anything else may pass. Docker Hub counts pulls over
 * six hours (docs.docker.com, "Docker Hub pull usage and limits"); other registries use the same code for moments.
 */
export function readPullRefusal(image: string, words: string): keyof typeof PULL_FIXES {
  // Whatever else it says: this is of a write.
  if (/no space left on device|disk quota exceeded|read-only file system/i.test(words)) return "disk";
  if (/pull rate limit/i.test(words) || (isFromDockerHub(image) && /toomanyrequests/i.test(words))) return "limit";
  if (/toomanyrequests|too many requests/i.test(words)) return "busy";
  const refused =
    /manifest unknown|no matching manifest|not found|invalid reference|unauthorized|denied|no basic auth credentials/i;
  return refused.test(words) ? "no" : "network";
}

/** Whether a reference is of Docker Hub: its first part names no other registry (distribution/reference). */
function isFromDockerHub(image: string): boolean {
  const [first = "", ...rest] = image.split("/");
  const registry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
  return registry === "docker.io" || registry === "index.docker.io";
}
