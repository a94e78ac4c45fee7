import { array, fallback, object, parse, string, unknown } from "valibot";
import { Failure } from "../errors.ts";
import { CommandError, type Exec, type ExecResult } from "../exec.ts";
import { readJson, tryJson } from "../values/json.ts";
import { type DockerOptions, docker } from "./client.ts";
import { refuseOtherEngine, refuseOtherProgram } from "./other-engines.ts";

/** Docker Engine, as far as a run depends on it. */
export interface DockerEngine {
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  /** Where volumes lie, and images too unless containerd keeps them; on another machine if the engine is remote. */
  readonly dataRoot: string;
  /** The socket of the containerd that keeps the images; empty if Docker starts it. `undefined`: Docker keeps them. */
  readonly imageStore: string | undefined;
  /** The client's version; empty where it does not say. */
  readonly clientVersion: string;
  /** What its clock says, as it gives the times of containers; `undefined` where it does not say. */
  readonly time?: string;
}

const TEXT = fallback(string(), "");
const IMAGE_STORE = object({
  DriverStatus: fallback(array(array(string())), []),
  Containerd: fallback(object({ Address: TEXT }), { Address: "" }),
});
const INFO = object({
  ServerVersion: TEXT,
  ServerErrors: fallback(array(string()), []),
  CgroupVersion: TEXT,
  SystemTime: TEXT,
  DockerRootDir: TEXT,
  ClientInfo: fallback(object({ Version: TEXT }), { Version: "" }),
  ...IMAGE_STORE.entries,
});

/** Inspects the engine. @throws Failure whose message continues "Docker Engine": another one, not installed, down, or forbidden. */
export async function inspectEngine(exec: Exec): Promise<DockerEngine> {
  try {
    const options = { timeoutSeconds: 30, purpose: "asking Docker Engine" };
    const { stdout } = await docker(["info", "--format", "{{json .}}"], options, exec);
    if (tryJson(unknown(), stdout) === undefined) throw otherProgram(stdout);
    const other = refuseOtherEngine(stdout);
    if (other !== undefined) throw other;
    const info = readJson(INFO, stdout);
    // Some clients (26.1 does) end with 0 although they reached no engine.
    if (info.ServerVersion === "") throw unavailable(String(info.ServerErrors));
    return {
      version: info.ServerVersion,
      cgroupVersion: info.CgroupVersion === "2" ? 2 : 1,
      dataRoot: info.DockerRootDir,
      imageStore: readImageStore(info),
      clientVersion: info.ClientInfo.Version,
      ...(Number.isNaN(Date.parse(info.SystemTime)) ? {} : { time: info.SystemTime }),
    };
  } catch (error) {
    throw describeEngineError(error);
  }
}

/** What the engine and its client say of themselves, as text for people. */
export async function describeEngine(options: DockerOptions, exec: Exec): Promise<ExecResult> {
  return await docker(["info"], options, exec);
}

/**
 * The containerd that keeps an engine's images, from `docker info`. Docker's packages start it apart; where Docker starts
 * it itself, its socket is in Docker's own folder (moby, daemon/command/daemon.go), and its data in Docker's.
 */
export function readImageStore(info: unknown): string | undefined {
  const { DriverStatus, Containerd } = parse(IMAGE_STORE, info);
  if (!DriverStatus.some(([, value]) => value === "io.containerd.snapshotter.v1")) return undefined;
  // Before 27 Docker does not say; there the store is chosen by hand, with Docker's packages as a rule.
  if (Containerd.Address === "") return "/run/containerd/containerd.sock";
  return Containerd.Address.endsWith("/docker/containerd/containerd.sock") ? "" : Containerd.Address;
}

/** The three ways in which Docker cannot be used: not installed, forbidden, or down. */
function describeEngineError(error: unknown): Error {
  if (!(error instanceof CommandError)) return error instanceof Error ? error : new Error(String(error));
  const words = `${error.message}\n${error.stdout}\n${error.stderr}`;
  if (/is not installed/.test(words)) {
    return new Failure("is not installed: there is no docker command in the PATH", {
      fix: "use a runner that has Docker Engine, such as ubuntu-latest, or install it on this one; in a job's container, install Docker's client in its image",
      cause: error,
    });
  }
  return refuseOtherProgram(words) ?? unavailable(error.message, words, error);
}

/** What answers to docker's name, and not as Docker's client does. */
function otherProgram(words: string): Failure {
  const [line = ""] = words.trim().split("\n");
  return new Failure(`does not answer: docker info printed ${JSON.stringify(line.slice(0, 200))} and no JSON`, {
    fix: "see which program comes first in PATH (command -v docker): it has to be Docker's own client, or what prints nothing of its own before it",
  });
}

/** An engine that this user may not use, or that does not answer. */
function unavailable(reason: string, words = reason, cause?: CommandError): Failure {
  if (/permission denied/i.test(words)) {
    return new Failure("runs, but this user may not use it (permission denied on its socket)", {
      fix: "add the runner's user to the docker group and restart the runner",
      cause,
    });
  }
  return new Failure(`does not answer: ${reason}`, {
    fix: "start Docker Engine on this machine (or point DOCKER_HOST at one that runs), then run the job again",
    cause,
  });
}
