import { Failure } from "../failure.ts";
import { CommandError, type Run } from "../process.ts";

/** What kind puts on every container of a cluster. */
export const CLUSTER_LABEL = "io.x-k8s.kind.cluster";
/** The Docker network that kind makes and puts its nodes into. */
export const KIND_NETWORK = "kind";

/** The network whose gateway containers of any network know as the Docker host (`host-gateway`). */
export const DEFAULT_NETWORK = "bridge";

/** Docker Engine, as far as a run depends on it. */
export interface DockerEngine {
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  /** Where volumes lie, and images too unless containerd keeps them; on another machine where the engine is remote. */
  readonly dataRoot: string;
  /** The socket of the containerd that keeps the images; empty where Docker starts it. `undefined`: Docker keeps them. */
  readonly imageStore: string | undefined;
}

/** A container of a cluster, with what proves whose it is. */
export interface ClusterContainer {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly created: string;
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

/** Asks the engine who it is. @throws Failure whose message goes on after "Docker Engine": missing, down or forbidden. */
export async function inspectEngine(run: Run): Promise<DockerEngine> {
  try {
    const { stdout } = await run({
      file: "docker",
      args: ["info", "--format", "{{json .}}"],
      timeoutSeconds: 30,
      purpose: "asking Docker Engine",
    });
    const info: unknown = JSON.parse(stdout);
    const field = (name: string) =>
      typeof info === "object" && info !== null ? String(Reflect.get(info, name) ?? "") : "";
    // Some clients (26.1 does) end with 0 where they reached no engine.
    if (field("ServerVersion") === "") throw unavailable(field("ServerErrors"));
    return {
      version: field("ServerVersion"),
      cgroupVersion: field("CgroupVersion") === "2" ? 2 : 1,
      dataRoot: field("DockerRootDir"),
      imageStore: readImageStore(info),
    };
  } catch (error) {
    throw explainEngineError(error);
  }
}

/**
 * The containerd that keeps an engine's images, from `docker info`. Docker's packages start it apart; where Docker starts
 * it itself, its socket is in Docker's own folder (moby, daemon/command/daemon.go), and its data in Docker's.
 */
export function readImageStore(info: unknown): string | undefined {
  const status: unknown = fieldOf(info, "DriverStatus");
  const pairs = Array.isArray(status) ? status : [];
  if (!pairs.some((pair) => Array.isArray(pair) && pair[1] === "io.containerd.snapshotter.v1")) return undefined;
  const address = fieldOf(fieldOf(info, "Containerd"), "Address");
  // Before 27 Docker does not say; there the store is chosen by hand, with Docker's packages as a rule.
  if (typeof address !== "string" || address === "") return "/run/containerd/containerd.sock";
  return address.endsWith("/docker/containerd/containerd.sock") ? "" : address;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Tells the three ways in which Docker is not to be had apart. */
function explainEngineError(error: unknown): Error {
  if (!(error instanceof CommandError)) return error instanceof Error ? error : new Error(String(error));
  const words = `${error.message}\n${error.stdout}\n${error.stderr}`;
  if (/is not installed/.test(words)) {
    return new Failure("is not installed: there is no docker command in the PATH", {
      cure: "use a runner that has Docker Engine, such as ubuntu-latest, or install it on this one",
      cause: error,
    });
  }
  return unavailable(error.message, words, error);
}

/** An engine that is there and may not be used, or that does not answer. */
function unavailable(reason: string, words = reason, cause?: CommandError): Failure {
  if (/permission denied/i.test(words)) {
    return new Failure("is there, but this user may not use it (permission denied on its socket)", {
      cure: "add the runner's user to the docker group and restart the runner",
      cause,
    });
  }
  return new Failure(`does not answer: ${reason}`, {
    cure: "start Docker Engine on this machine (or point DOCKER_HOST at one that runs), then run the job again",
    cause,
  });
}

/** The containers of a cluster, running or not. With no name: those of every cluster. */
export async function listClusterContainers(run: Run, cluster?: string): Promise<readonly ClusterContainer[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(run, cluster);
    } catch (error) {
      // One that was removed between the two questions is no container any more: ask again.
      const vanished = error instanceof CommandError && /no such (object|container)/i.test(error.stderr);
      if (!vanished || tries === 5) throw error;
    }
  }
}

async function listOnce(run: Run, cluster: string | undefined): Promise<readonly ClusterContainer[]> {
  const label = cluster === undefined ? CLUSTER_LABEL : `${CLUSTER_LABEL}=${cluster}`;
  const { stdout: ids } = await run({
    file: "docker",
    args: ["ps", "--all", "--quiet", "--no-trunc", "--filter", `label=${label}`],
    timeoutSeconds: 60,
    purpose: "listing the cluster's containers",
  });
  const wanted = ids.split("\n").filter((id) => id !== "");
  if (wanted.length === 0) return [];
  const { stdout } = await run({
    file: "docker",
    args: ["inspect", "--format", INSPECT_FORMAT, ...wanted],
    timeoutSeconds: 60,
    purpose: "inspecting the cluster's containers",
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(parseContainer);
}

const INSPECT_FORMAT = `{"id":{{json .Id}},"name":{{json .Name}},"labels":{{json .Config.Labels}},"created":{{json .Created}},"mounts":{{json .Mounts}}}`;

function parseContainer(line: string): ClusterContainer {
  const read: {
    readonly id: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly created: string;
    readonly mounts: readonly { readonly Source: string; readonly Destination: string }[] | null;
  } = JSON.parse(line);
  return {
    id: read.id,
    name: read.name.replace(/^\//, ""),
    cluster: read.labels[CLUSTER_LABEL] ?? "",
    created: read.created,
    mounts: (read.mounts ?? []).map((mount) => ({ source: mount.Source, destination: mount.Destination })),
  };
}

/** Whether the engine has an image already, where a platform is given: for that one. */
export async function hasImage(image: string, run: Run, platform?: string): Promise<boolean> {
  try {
    const { stdout } = await run({
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
  run: Run,
): Promise<string | undefined> {
  const { stdout } = await run({
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
  run: Run,
  onLine: (line: string) => void,
  { again = false, platform }: { readonly again?: boolean; readonly platform?: string } = {},
): Promise<"present" | "pulled"> {
  if (!again && (await hasImage(image, run, platform))) return "present";
  for (let tries = 1; ; tries += 1) {
    try {
      await run({
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
          { cure: PULL_FIXES[refusal], cause: error, final: refusal === "no" || refusal === "limit" },
        );
      }
      onLine(`Pull failed (try ${tries} of 3), trying again: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, tries * 3000));
    }
  }
}

/** A network of Docker's. */
export interface DockerNetwork {
  /** The IPv4 gateway. */
  readonly gateway: string | undefined;
  readonly subnets: readonly string[];
}

/** Looks at a network; `undefined` where it does not exist. */
export async function findNetwork(network: string, run: Run): Promise<DockerNetwork | undefined> {
  try {
    const { stdout } = await run({
      file: "docker",
      args: [
        ...["network", "inspect", network],
        ...["--format", "{{range .IPAM.Config}}{{println .Subnet}}{{println .Gateway}}{{end}}"],
      ],
      timeoutSeconds: 30,
      purpose: `inspecting the network ${network}`,
    });
    const lines = stdout.split("\n");
    return {
      gateway: lines.find((line) => /^\d+(\.\d+){3}$/.test(line)),
      subnets: lines.filter((line) => line.includes("/")),
    };
  } catch (error) {
    if (error instanceof CommandError && /not found|no such network/i.test(error.stderr)) return undefined;
    throw error;
  }
}

/** The IPv4 gateway of a network; `undefined` where the network does not exist. */
export async function findGateway(network: string, run: Run): Promise<string | undefined> {
  return (await findNetwork(network, run))?.gateway;
}

/** A container's name that is in use. */
export interface HeldName {
  readonly name: string;
  /** The kind cluster that the container's label names; empty where it has none. */
  readonly cluster: string;
  readonly image: string;
  /** In Docker's words, such as `Exited (0) 2 hours ago`. */
  readonly status: string;
}

/** The names of all containers, running or not. */
export async function listNames(run: Run): Promise<readonly HeldName[]> {
  const { stdout } = await run({
    file: "docker",
    args: ["ps", "--all", "--format", NAME_FORMAT],
    timeoutSeconds: 60,
    purpose: "listing the containers' names",
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const read: { readonly names: string } & Omit<HeldName, "name"> = JSON.parse(line);
      // A container that others are linked to has their aliases too, such as web/db.
      return read.names
        .split(",")
        .filter((name) => !name.includes("/"))
        .map((name) => ({ name, cluster: read.cluster, image: read.image, status: read.status }));
    });
}

const NAME_FORMAT = `{"names":{{json .Names}},"cluster":{{json (.Label "${CLUSTER_LABEL}")}},"image":{{json .Image}},"status":{{json .Status}}}`;

/** Sets a container's weight for the processors. */
export async function setShares(container: string, shares: number, run: Run): Promise<void> {
  await run({
    file: "docker",
    args: ["update", `--cpu-shares=${shares}`, container],
    timeoutSeconds: 60,
    purpose: `setting the processor share of ${container}`,
  });
}
