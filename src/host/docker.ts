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
  /** Where images and volumes lie; on another machine where the engine is remote. */
  readonly dataRoot: string;
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
    };
  } catch (error) {
    throw explainEngineError(error);
  }
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
      cure: "add the runner's user to the docker group and start the runner anew",
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
      const final = /manifest unknown|not found|invalid reference|unauthorized|denied/i.test(error.stderr);
      if (final || tries === 3) {
        throw new Failure(error.message, {
          cure: final
            ? "check the image's name, and log in to its registry in an earlier step if it is private"
            : "run the job again; where the registry is not reachable from this runner, give a node-image from one that is",
          cause: error,
        });
      }
      onLine(`Pull failed (try ${tries} of 3), trying again: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, tries * 3000));
    }
  }
}

/** The IPv4 gateway of a network; `undefined` where the network does not exist. */
export async function findGateway(network: string, run: Run): Promise<string | undefined> {
  try {
    const { stdout } = await run({
      file: "docker",
      args: ["network", "inspect", network, "--format", "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"],
      timeoutSeconds: 30,
      purpose: `inspecting the network ${network}`,
    });
    return stdout.split("\n").find((address) => /^\d+(\.\d+){3}$/.test(address));
  } catch (error) {
    if (error instanceof CommandError && /not found|no such network/i.test(error.stderr)) return undefined;
    throw error;
  }
}

/** A container's weight for the processors where nobody sets another (Docker's `--cpu-shares`). */
export const DEFAULT_SHARES = 1024;

/** Sets a container's weight for the processors. */
export async function setShares(container: string, shares: number, run: Run): Promise<void> {
  await run({
    file: "docker",
    args: ["update", `--cpu-shares=${shares}`, container],
    timeoutSeconds: 60,
    purpose: `setting the processor share of ${container}`,
  });
}
