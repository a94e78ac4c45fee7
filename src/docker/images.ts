import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";

/** Whether the engine has an image already, where a platform is given: for that one. */
export async function hasImage(image: string, exec: Exec, platform?: string): Promise<boolean> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}/{{.Variant}}", image],
      timeoutSeconds: 60,
      purpose: `looking for ${image}`,
    });
    return platform === undefined || isPlatform(stdout.trim(), platform);
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return false;
    throw error;
  }
}

/**
 * The reference of an image with the digest that a registry has it under: what a tag stands for may change there.
 * `undefined` where it has none, as an image that was built here.
 * @param published the digests that a registry is known to have; `undefined` for an image that was just pulled.
 */
export async function findDigest(
  image: string,
  published: ReadonlySet<string> | undefined,
  exec: Exec,
): Promise<string | undefined> {
  const { stdout } = await exec({
    file: "docker",
    args: ["image", "inspect", "--format", "{{json .RepoDigests}}", image],
    timeoutSeconds: 60,
    purpose: `looking for the digest of ${image}`,
  });
  const digests: readonly string[] | null = JSON.parse(stdout);
  return selectDigest(image, digests ?? [], published);
}

/**
 * Docker writes its own registry's names short, and has a digest for each repository that it knows the image from. With
 * containerd's image store an image that was built here has one too (docs.docker.com, "containerd image store").
 */
export function selectDigest(
  image: string,
  digests: readonly string[],
  published: ReadonlySet<string> | undefined,
): string | undefined {
  if (image.includes("@")) return image;
  const familiar = (name: string) => name.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");
  const repository = familiar(image.replace(/:[^:/]*$/, ""));
  const digest = digests
    .map((each) => each.split("@"))
    .filter(([name = ""]) => familiar(name) === repository)
    .map(([, found]) => found)
    .find((found) => found !== undefined && (published === undefined || published.has(found)));
  return digest === undefined ? undefined : `${image}@${digest}`;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  i386: "386",
};

const SYSTEMS = ["linux", "windows", "darwin", "freebsd"];

/**
 * Whether an image's platform (`linux/arm64/v8`; its variant may be empty) is the one that is asked for: a whole one, or
 * a system or an architecture alone.
 */
export function isPlatform(found: string, asked: string): boolean {
  const words = asked.toLowerCase().split("/");
  const [first = ""] = words;
  const [system, architecture, variant] =
    words.length > 1 ? words : SYSTEMS.includes(first) ? [first] : [undefined, first];
  const [ownSystem, ownArchitecture, ownVariant] = found.toLowerCase().split("/");
  const known = architecture === undefined ? undefined : (ARCHITECTURES[architecture] ?? architecture);
  return (
    (system === undefined || system === ownSystem) &&
    (known === undefined || known === ownArchitecture) &&
    // Of those with variants, the first one often goes without a name (arm64 is arm64/v8).
    ((variant ?? "") === "" || (ownVariant ?? "") === "" || variant === ownVariant)
  );
}

/**
 * Why a registry gives no image: `no` and `limit` are its last word, anything else may pass. Docker Hub counts pulls over
 * six hours (docs.docker.com, "Docker Hub pull usage and limits"); other registries use the same code for moments.
 */
export function readPullRefusal(image: string, words: string): "no" | "limit" | "busy" | "network" {
  if (/pull rate limit/i.test(words) || (isFromDockerHub(image) && /toomanyrequests/i.test(words))) return "limit";
  if (/toomanyrequests|too many requests/i.test(words)) return "busy";
  const refused =
    /manifest unknown|no matching manifest|not found|invalid reference|unauthorized|denied|no basic auth credentials/i;
  return refused.test(words) ? "no" : "network";
}

const PULL_FIXES = {
  no: "check the image's name, and log in to its registry in an earlier step if it is private",
  limit:
    "log in to Docker Hub in an earlier step (docker/login-action), pull through a mirror (registry-mirrors in Docker's daemon.json), or have the image on this machine before the step (docker load); the limit lasts for hours",
  busy: "run the job again later, or log in to the registry in an earlier step: it answers too many requests already",
  network:
    "run the job again; where the registry is not reachable from this runner, give a node-image from one that is",
} as const;

/** Whether a reference is of Docker Hub: its first part names no other registry (distribution/reference). */
function isFromDockerHub(image: string): boolean {
  const [first = "", ...rest] = image.split("/");
  const registry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
  return registry === "docker.io" || registry === "index.docker.io";
}

/**
 * Pulls an image under exactly the reference that kind will look for, unless it is there; three tries, for a
 * transient registry error must not cost the job.
 * @param options `again` pulls it even where it is there; `platform` is another one than the machine's.
 */
export async function pullImage(
  image: string,
  exec: Exec,
  onLine: (line: string) => void,
  { again = false, platform }: { readonly again?: boolean; readonly platform?: string } = {},
): Promise<"present" | "pulled"> {
  if (!again && (await hasImage(image, exec, platform))) return "present";
  for (let tries = 1; ; tries += 1) {
    try {
      await exec({
        file: "docker",
        args: ["pull", "--quiet", ...(platform === undefined ? [] : [`--platform=${platform}`]), image],
        timeoutSeconds: 900,
        purpose: `pulling ${image}`,
        onLine,
      });
      return "pulled";
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const refusal = readPullRefusal(image, error.stderr);
      if (refusal === "no" || refusal === "limit" || tries === 3) {
        throw new Failure(
          refusal === "limit"
            ? `${image} was not pulled: Docker Hub's limit of pulls is reached. ${error.message}`
            : error.message,
          { fix: PULL_FIXES[refusal], cause: error, retryable: refusal !== "no" && refusal !== "limit" },
        );
      }
      onLine(`Pull failed (try ${tries} of 3), trying again: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, tries * 3000));
    }
  }
}
