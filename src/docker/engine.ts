import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";

/** Docker Engine, as far as a run depends on it. */
export interface DockerEngine {
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  /** Where volumes lie, and images too unless containerd keeps them; on another machine where the engine is remote. */
  readonly dataRoot: string;
  /** The socket of the containerd that keeps the images; empty where Docker starts it. `undefined`: Docker keeps them. */
  readonly imageStore: string | undefined;
}

/** Asks the engine who it is. @throws Failure whose message goes on after "Docker Engine": missing, down or forbidden. */
export async function inspectEngine(exec: Exec): Promise<DockerEngine> {
  try {
    const { stdout } = await exec({
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
      fix: "use a runner that has Docker Engine, such as ubuntu-latest, or install it on this one",
      cause: error,
    });
  }
  return unavailable(error.message, words, error);
}

/** An engine that is there and may not be used, or that does not answer. */
function unavailable(reason: string, words = reason, cause?: CommandError): Failure {
  if (/permission denied/i.test(words)) {
    return new Failure("is there, but this user may not use it (permission denied on its socket)", {
      fix: "add the runner's user to the docker group and restart the runner",
      cause,
    });
  }
  return new Failure(`does not answer: ${reason}`, {
    fix: "start Docker Engine on this machine (or point DOCKER_HOST at one that runs), then run the job again",
    cause,
  });
}
