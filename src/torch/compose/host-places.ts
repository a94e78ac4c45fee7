import { lstat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { errorCode } from "../../errors.ts";
import { resolveAhead } from "../../values/files.ts";
import { isWithinFolder } from "../../values/paths.ts";

/** Places of this machine, resolved. */
export interface HostPlaces {
  /** The checkout: what is mounted from there is its own. */
  readonly own: readonly string[];
  /** The workspace around it, which is the job's: anything in it may be read, and a mount that can write to it is logged. */
  readonly workspace?: readonly string[];
  /** What no container may see: secrets, sockets, and what the kernel shows of this machine. */
  readonly secret: readonly Place[];
  /** What no container may write to: programs that this machine runs. */
  readonly system: readonly string[];
  /** Parts of the secret places that are harmless if mounted read-only. */
  readonly harmless: readonly string[];
}

/** A secret place of this machine. */
export interface Place {
  readonly path: string;
  /** As messages call it. */
  readonly what: string;
  /** It does not exist, so no folder holds it. */
  readonly absent?: boolean;
}

/** Secret places of every machine. */
const SECRET: readonly Place[] = [
  ...["/proc", "/sys", "/dev", "/etc", "/boot"].map((path) => ({ path, what: "this machine's settings and secrets" })),
  ...["/run", "/var/run"].map((path) => ({ path, what: "this machine's sockets, Docker's among them" })),
  ...["/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet"].map((path) => ({
    path,
    what: "the data of other containers",
  })),
];

/** Secret places in a user's home. */
const IN_HOME = [
  ...[".docker", ".kube", ".ssh", ".config", ".gnupg", ".aws", ".azure", ".local/share/keyrings", ".m2/settings.xml"],
  ...[".gitconfig", ".git-credentials", ".netrc", ".npmrc", ".pypirc", ".bashrc", ".profile"],
  ...[".bash_profile", ".bash_login", ".zshenv", ".zprofile", ".zshrc"],
];

/** What lies beside the folder of a runner's jobs if the runner itself is installed there. */
const IN_RUNNER = [
  ...[".runner", ".credentials", ".credentials_rsaparams", ".env", ".path", "bin", "externals", "_diag"],
  ...["config.sh", "run.sh", "runsvc.sh", "svc.sh"],
];

/** Programs that this machine runs. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/snap", "/var/spool"];

/** Settings that containers often read, without a secret in them. */
const HARMLESS = [
  ...["/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/hostname", "/etc/machine-id", "/etc/passwd", "/etc/group"],
  ...["/etc/resolv.conf", "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/pki/java"],
  ...["/etc/ca-certificates", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"],
];

/**
 * Finds these places on this machine; the environment names some of them.
 * @param folders the checkout, and the workspace.
 */
export async function findHostPlaces(
  environment: NodeJS.ProcessEnv,
  [checkout, ...workspace]: readonly string[],
): Promise<HostPlaces> {
  const named = (variable: string, what: string): readonly Place[] => {
    const path = environment[variable]?.replace(/^unix:\/\//, "") ?? "";
    return path.startsWith("/") ? [{ path, what }] : [];
  };
  const secret: readonly Place[] = [
    ...SECRET,
    ...named("RUNNER_TEMP", "the runner's temporary folder, where credentials are"),
    ...named("RUNNER_TOOL_CACHE", "the runner's tool cache, from which later jobs run programs"),
    ...named("DOCKER_HOST", "Docker's socket"),
    ...named("DOCKER_CONFIG", "Docker's passwords"),
    ...named("SSH_AUTH_SOCK", "the keys of ssh"),
  ];
  const inHome = [environment.HOME, "/root"].flatMap((home) =>
    home?.startsWith("/") === true
      ? IN_HOME.map((name) => ({ path: `${home}/${name}`, what: "a user's keys, passwords and settings" }))
      : [],
  );
  const look = (path: string) => resolveAhead(path).then(({ real }) => real);
  const lookAt = async ({ path, what }: Place): Promise<Place> => ({ path: await look(path), what });
  const lookFor = async (place: Place): Promise<Place> => {
    const found = await lookAt(place);
    return { ...found, absent: (await kindOf(found.path)) === "absent" };
  };
  const own = await Promise.all((checkout === undefined ? [] : [checkout]).map(look));
  const around = await Promise.all(workspace.map(look));
  const gits = around.map((folder) => ({
    path: join(folder, ".git"),
    what: "git's settings, which may contain a token",
  }));
  const outside = ({ path }: Place) => ![...own, ...around].some((folder) => isWithinFolder(folder, path));
  return {
    own,
    workspace: around,
    secret: [
      ...(await Promise.all(secret.map(lookAt))),
      ...(await Promise.all(inHome.map(lookFor))),
      ...(await Promise.all(findRunnerPlaces(environment).map(lookFor))).filter(outside),
      ...(await Promise.all(gits.map(lookFor))).filter(({ path }) => !own.some((each) => isWithinFolder(each, path))),
    ],
    system: await Promise.all(SYSTEM.map(look)),
    harmless: await Promise.all(HARMLESS.map(look)),
  };
}

/** The runner's folders: its actions, its other jobs, and its own files if it is installed beside them. */
function findRunnerPlaces(environment: NodeJS.ProcessEnv): readonly Place[] {
  const pathIn = (variable: string) => {
    const path = environment[variable] ?? "";
    return path.startsWith("/") ? posix.resolve(path) : undefined;
  };
  const [workspace, temp, action] = ["GITHUB_WORKSPACE", "RUNNER_TEMP", "GITHUB_ACTION_PATH"].map(pathIn);
  const places: Place[] = [];
  if (action !== undefined) {
    const all = /^(.*\/_actions)\//.exec(action)?.[1];
    places.push({ path: all ?? action, what: "the actions that the runner runs" });
  }
  const jobs = workspace === undefined ? "/" : dirname(dirname(workspace));
  // A runner has its temporary folder there too: without it, that folder is not a runner's.
  if (jobs === "/" || temp === undefined || dirname(temp) !== jobs) return places;
  places.push({ path: jobs, what: "the runner's folder, with its actions and other jobs" });
  const runner = dirname(jobs);
  return [
    ...places,
    ...IN_RUNNER.map((name) => ({ path: join(runner, name), what: "the runner itself and its credentials" })),
  ];
}

/** What is at a path; `hidden` is what this user may not look at. */
export function kindOf(path: string): Promise<"absent" | "file" | "folder" | "hidden"> {
  return lstat(path).then(
    (found) => (found.isFile() ? "file" : "folder"),
    (error: unknown) => {
      const code = errorCode(error);
      return code === "ENOENT" || code === "ENOTDIR" ? "absent" : "hidden";
    },
  );
}
