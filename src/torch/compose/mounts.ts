import { lstat } from "node:fs/promises";
import { basename, dirname, join, posix, relative } from "node:path";
import { describeError, type Problem } from "../../errors.ts";
import { type ResolvedPath, resolveAhead } from "../../inputs/places.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import type { Checkout } from "../checkout/read.ts";
import { COMPONENTS } from "../components.ts";
import type { ComposeModel } from "./plan.ts";

/** A folder or file of this machine that a compose file mounts into a container. */
export interface HostMount {
  /** The compose file, from the checkout's root, and what in it. */
  readonly place: string;
  readonly source: string;
  readonly readOnly: boolean;
}

/** What a checkout's compose files ask of this machine. */
export interface HostAccess {
  readonly mounts: readonly HostMount[];
  /** What lets a container reach out to this machine, with the place of each. */
  readonly powers: readonly (Power & { readonly place: string })[];
}

interface Power {
  readonly power: string;
  /** What it does, where that is not what most powers do. */
  readonly effect?: string;
}

/** Everything in the compose files of a checkout that reaches out of the containers. */
export function listHostAccess({ root, components }: Checkout): HostAccess {
  const each = Object.values(COMPONENTS).map(({ name }) => {
    const { composeFile, model } = components[name];
    return readHostAccess(relative(root, composeFile), model);
  });
  return { mounts: each.flatMap(({ mounts }) => mounts), powers: each.flatMap(({ powers }) => powers) };
}

/** The same of one compose file, as `docker compose config` gives it. */
export function readHostAccess(file: string, model: ComposeModel): HostAccess {
  const mounts: HostMount[] = [];
  const powers: (Power & { readonly place: string })[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    const place = `${file}: services.${name}`;
    for (const volume of listOf(service.volumes)) {
      const source = textOf(volume, "source");
      if (textOf(volume, "type") !== "bind" || source === undefined) continue;
      mounts.push({ place, source, readOnly: isReadOnly(volume) });
    }
    powers.push(...listPowers(service).map((power) => ({ place, ...power })));
  }
  for (const [name, volume] of entriesOf(model.volumes)) {
    const place = `${file}: volumes.${name}`;
    const read = readVolumeOptions(volume);
    if ("power" in read) powers.push({ place, power: read.power });
    else if (read.source !== undefined) mounts.push({ place, source: read.source, readOnly: false });
  }
  for (const section of ["secrets", "configs"]) {
    for (const [name, content] of entriesOf(model[section])) {
      const source = textOf(content, "file");
      if (source !== undefined) mounts.push({ place: `${file}: ${section}.${name}`, source, readOnly: true });
    }
  }
  return { mounts, powers };
}

/** What is mounted in a folder of this machine stays writable where the mount says so. */
function isReadOnly(volume: unknown): boolean {
  return fieldOf(volume, "read_only") === true && textOf(fieldOf(volume, "bind"), "recursive") !== "writable";
}

/**
 * What a volume's options make of it: the local driver hands them to mount(2), so a volume can be a folder of this machine,
 * a disk, or an overlay of any folder. `o: bind` makes it a folder whatever the type says.
 */
function readVolumeOptions(volume: unknown): { readonly source: string | undefined } | { readonly power: string } {
  const driver = textOf(volume, "driver") ?? "local";
  if (driver !== "local") return { power: `a volume of the driver ${quote(driver)}` };
  const options = fieldOf(volume, "driver_opts");
  const device = textOf(options, "device") ?? "";
  if (device === "") return { source: undefined };
  const words = (textOf(options, "o") ?? "").split(",").map((word) => word.trim().replace(/=.*$/s, ""));
  const moving = words.find((word) => /^(?:move|remount)$/i.test(word));
  if (moving !== undefined) return { power: `a volume with the option ${quote(moving)}` };
  if (words.some((word) => /^r?bind$/i.test(word))) {
    // The kernel goes up from where a link leads to, and Docker does not shorten the path before, as it does for a mount.
    if (device.split("/").includes("..")) return { power: `a volume of ${quote(device)}, which has .. in it` };
    // A path that does not begin with a slash is one from Docker's own folder, which is the root.
    return { source: posix.resolve("/", device) };
  }
  const type = textOf(options, "type") ?? "";
  const allowed = Object.hasOwn(MOUNT_OPTIONS, type) ? MOUNT_OPTIONS[type] : undefined;
  if (allowed === undefined) return { power: `a volume of the type ${quote(type)}` };
  const other = words.find((word) => word !== "" && !COMMON_OPTIONS.test(word) && !allowed.test(word));
  return other === undefined ? { source: undefined } : { power: `a volume with the option ${quote(other)}` };
}

const quote = (text: string) => JSON.stringify(printable(text, 40));

const COMMON_OPTIONS =
  /^(?:defaults|r[ow]|a?sync|(?:no)?(?:exec|suid|dev)|(?:no|rel|strict)atime|nodiratime|dirsync|lazytime|_netdev)$/;
const NFS_OPTIONS =
  /^(?:(?:mount|client)?addr|(?:nfs|mount)?vers|minorversion|(?:mount)?(?:port|proto)|sec|soft|softerr|hard|(?:no)?(?:lock|resvport|ac|acl|cto|fsc|intr|sharecache|rdirplus)|timeo|retrans|retry|[rw]size|bsize|actimeo|ac(?:reg|dir)(?:min|max)|tcp|udp|rdma|nconnect|max_connect|local_lock|lookupcache|[bf]g)$/;
const CIFS_OPTIONS =
  /^(?:user(?:name)?|pass(?:word)?2?|dom(?:ain)?|guest|vers|addr|ip|port|sec|seal|sign|(?:force)?[ug]id|cruid|(?:file|dir)_mode|iocharset|(?:no)?(?:brl|perm|serverino|unix|setuids|dfs|posix|linux|mapposix|mapchars|handlecache|sharesock)|mfsymlinks|cache|actimeo|soft|hard|[rw]size|nostrictsync|(?:persistent|resilient)handles)$/;

/** Types of volumes that have nothing of this machine's disks in them, and the options that keep it so. */
const MOUNT_OPTIONS: Readonly<Record<string, RegExp>> = {
  tmpfs: /^(?:size|mode|uid|gid|nr_inodes|nr_blocks|huge|mpol|inode32|inode64|noswap)$/,
  nfs: NFS_OPTIONS,
  nfs4: NFS_OPTIONS,
  cifs: CIFS_OPTIONS,
};

/** Capabilities that Docker leaves out because they lead out of a container. SYS_PTRACE stays within its processes. */
const CAPABILITIES =
  /^(?:CAP_)?(?:ALL|SYS_(?:ADMIN|MODULE|RAWIO|BOOT|TIME|PACCT|TTY_CONFIG)|SYSLOG|DAC_READ_SEARCH|BPF|PERFMON|MAC_(?:ADMIN|OVERRIDE)|AUDIT_(?:CONTROL|READ)|CHECKPOINT_RESTORE|WAKE_ALARM|BLOCK_SUSPEND)$/i;
const SECURITY_OPTIONS =
  /^(?:no-new-privileges(?:[:=](?:true|false))?|seccomp[:=]builtin|apparmor[:=]docker-default)$/i;
const RUNTIMES =
  /^(?:runc|crun|youki|runsc|nvidia|sysbox-runc|kata(?:-\w+)?|io\.containerd\.(?:runc|runsc|kata)\.v\d)$/;

/** Settings for the program that starts the container, outside of it. */
const ANNOTATIONS = /^(?:org\.systemd\.property\.|run\.oci\.|io\.katacontainers\.|dev\.gvisor\.)/;

/** What Docker does with a container's log on this machine itself. */
const LOG_DRIVERS = /^(?:json-file|local|none|journald)?$/;

function listPowers(service: Readonly<Record<string, unknown>>): readonly Power[] {
  const powers = [
    ...listRights(service),
    ...listNamespaces(service),
    ...listDevices(service),
    ...listRuntime(service),
  ].map((power): Power => ({ power: printable(power) }));
  const driver = textOf(service.logging, "driver") ?? "";
  if (LOG_DRIVERS.test(driver)) return powers;
  const effect = "with which Docker connects to other places from this machine's own network";
  return [...powers, { power: printable(`logging.driver: ${driver}`), effect }];
}

/** What root in a container may do besides. */
function listRights(service: Readonly<Record<string, unknown>>): readonly string[] {
  const watched = listOf(fieldOf(service.develop, "watch")).map((each) => ({ exec: fieldOf(each, "exec") }));
  const hooks = [
    ...["post_start", "pre_stop"].flatMap((name) => listOf(service[name]).map((hook) => ({ name, hook }))),
    ...watched.map(({ exec }) => ({ name: "develop.watch.exec", hook: exec })),
  ];
  const names = textsOf(service.cap_add).filter((name) => CAPABILITIES.test(name.trim()));
  const options = textsOf(service.security_opt).filter((option) => !SECURITY_OPTIONS.test(option.trim()));
  return [
    ...["privileged", "use_api_socket"].filter((field) => isOn(service[field])),
    ...hooks.flatMap(({ name, hook }) => (isOn(fieldOf(hook, "privileged")) ? [`${name}: privileged`] : [])),
    ...names.map((name) => `cap_add: ${name}`),
    ...options.map((option) => `security_opt: ${option}`),
  ];
}

/** What it shares with this machine, or with containers that are not TORCH-V2's. */
function listNamespaces(service: Readonly<Record<string, unknown>>): readonly string[] {
  const shared = ["pid", "ipc", "uts", "userns_mode", "cgroup"].flatMap((field) => {
    const value = textOf(service, field) ?? "";
    return /^(?:host$|container:)/.test(value) ? [`${field}: ${value}`] : [];
  });
  const parent = textOf(service, "cgroup_parent") ?? "";
  const volumes = textsOf(service.volumes_from).filter((from) => from.startsWith("container:"));
  return [
    ...shared,
    ...(parent === "" ? [] : [`cgroup_parent: ${parent}`]),
    ...volumes.map((from) => `volumes_from: ${from}`),
  ];
}

function listDevices(service: Readonly<Record<string, unknown>>): readonly string[] {
  const devices = listOf(service.devices).flatMap((device) => {
    const name = typeof device === "string" ? device : (textOf(device, "source") ?? "");
    if (CDI_DEVICE.test(name)) return [];
    const source = posix.resolve("/", typeof device === "string" ? (device.split(":")[0] ?? "") : name);
    return HARMLESS_DEVICE.test(source) ? [] : [`devices: ${source}`];
  });
  return [...devices, ...(listOf(service.device_cgroup_rules).length > 0 ? ["device_cgroup_rules"] : [])];
}

/** Other programs of this machine that a container is started with, and what is set for them. */
function listRuntime(service: Readonly<Record<string, unknown>>): readonly string[] {
  const runtime = textOf(service, "runtime") ?? "";
  const isolation = textOf(service, "isolation") ?? "";
  const annotations = [
    ...textsOf(service.annotations),
    ...(Array.isArray(service.annotations) ? [] : entriesOf(service.annotations).map(([name]) => name)),
  ];
  return [
    ...(runtime === "" || RUNTIMES.test(runtime) ? [] : [`runtime: ${runtime}`]),
    ...(isolation === "" || isolation === "default" ? [] : [`isolation: ${isolation}`]),
    ...annotations.filter((name) => ANNOTATIONS.test(name)).map((name) => `annotations: ${name.replace(/=.*$/s, "")}`),
    ...(entriesOf(service.credential_spec).length > 0 ? ["credential_spec"] : []),
    ...(entriesOf(service.models).length > 0 ? ["models"] : []),
  ];
}

/** Devices that every container has, or that compute only. */
const HARMLESS_DEVICE = /^\/dev\/(?:null|zero|full|u?random|tty|kvm|dri(?:\/.*)?|nvidia.*|kfd)$/;

/** `vendor/class=name`: what whoever runs this machine has defined for containers. */
const CDI_DEVICE = /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/;

/** Places of this machine, resolved. */
export interface HostPlaces {
  /** The checkout: what is mounted from there is its own. */
  readonly own: readonly string[];
  /** The workspace around it, which is the job's: what else lies there may be seen, and writing to it is said. */
  readonly workspace?: readonly string[];
  /** What no container may see: secrets, sockets, and what the kernel shows of this machine. */
  readonly secret: readonly Place[];
  /** What no container may write to: programs that this machine runs. */
  readonly system: readonly string[];
  /** What of the secret places is harmless where it is mounted read-only. */
  readonly harmless: readonly string[];
}

interface Place {
  readonly path: string;
  /** As messages call it. */
  readonly what: string;
  /** It is not there, so no folder holds it. */
  readonly absent?: boolean;
}

/** Places to look up on this machine. */
const SECRET: readonly Place[] = [
  ...["/proc", "/sys", "/dev", "/etc", "/boot"].map((path) => ({ path, what: "this machine's settings and secrets" })),
  ...["/run", "/var/run"].map((path) => ({ path, what: "this machine's sockets, Docker's among them" })),
  ...["/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet"].map((path) => ({
    path,
    what: "the data of other containers",
  })),
];
const IN_HOME = [
  ...[".docker", ".kube", ".ssh", ".config", ".gnupg", ".aws", ".azure", ".local/share/keyrings", ".m2/settings.xml"],
  ...[".gitconfig", ".git-credentials", ".netrc", ".npmrc", ".pypirc", ".bashrc", ".profile"],
  ...[".bash_profile", ".bash_login", ".zshenv", ".zprofile", ".zshrc"],
];

/** What lies beside the folder of a runner's jobs where the runner itself is installed there. */
const IN_RUNNER = [
  ...[".runner", ".credentials", ".credentials_rsaparams", ".env", ".path", "bin", "externals", "_diag"],
  ...["config.sh", "run.sh", "runsvc.sh", "svc.sh"],
];
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/snap", "/var/spool"];
const HARMLESS = [
  ...["/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/hostname", "/etc/machine-id", "/etc/passwd", "/etc/group"],
  ...["/etc/resolv.conf", "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/pki/java"],
  ...["/etc/ca-certificates", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"],
];

/**
 * Looks the places up, with what the environment says of them.
 * @param own the checkout, and the workspace.
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
  const gits = around.map((folder) => ({ path: join(folder, ".git"), what: "the settings of git, perhaps a token" }));
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

/** The runner's folders: of its actions, of its other jobs, and what it is itself, where it is installed beside them. */
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
  // A runner has its temporary folder there too: elsewhere, that folder is not a runner's.
  if (jobs === "/" || temp === undefined || dirname(temp) !== jobs) return places;
  places.push({ path: jobs, what: "the runner's folder, with its actions and other jobs" });
  const runner = dirname(jobs);
  return [
    ...places,
    ...IN_RUNNER.map((name) => ({ path: join(runner, name), what: "the runner itself, and its credentials" })),
  ];
}

/** What is at a path; `hidden` is what this user may not look at. */
function kindOf(path: string): Promise<"absent" | "file" | "folder" | "hidden"> {
  return lstat(path).then(
    (found) => (found.isFile() ? "file" : "folder"),
    (error: unknown) => {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      return code === "ENOENT" || code === "ENOTDIR" ? "absent" : "hidden";
    },
  );
}

/** What a mount of a resolved path means; `undefined`: nothing to say. */
export function judgeMount(
  path: string,
  readOnly: boolean,
  { own, workspace = [], secret, system, harmless }: HostPlaces,
): { readonly refused: string } | { readonly warning: string } | undefined {
  const isOwn = own.some((folder) => isWithinFolder(folder, path));
  const isJobs = isOwn || workspace.some((folder) => isWithinFolder(folder, path));
  if (readOnly && harmless.some((place) => isWithinFolder(place, path))) return undefined;
  for (const place of secret) {
    if (isWithinFolder(path, place.path) && path !== place.path && place.absent !== true) {
      return { refused: `which holds ${place.path}: ${place.what}` };
    }
    // The checkout itself may lie in the temporary folder.
    if (isWithinFolder(place.path, path) && !isJobs) return { refused: `which is in ${place.path}: ${place.what}` };
  }
  if (isOwn) return undefined;
  if (path.split("/").includes(".git")) return { refused: FOREIGN_GIT };
  if (isJobs) return readOnly ? undefined : { warning: "which is outside the checkout, and can be written to" };
  for (const place of system) {
    if (readOnly) continue;
    if (isWithinFolder(place, path) || isWithinFolder(path, place)) {
      return { refused: "which holds programs that this machine runs, and can be written to" };
    }
  }
  const reason = "which is outside the checkout and the workspace";
  return readOnly ? { warning: reason } : { refused: `${reason}, and can be written to` };
}

const FOREIGN_GIT = "which is a git repository's folder outside the checkout: a token may be in it";

/** A mount with the place that it leads to. */
export interface ResolvedMount extends HostMount {
  readonly path: string;
}

/** What is wrong with what compose files ask of this machine, and what is only to be said. */
export async function checkHostAccess(
  { mounts, powers }: HostAccess,
  places: HostPlaces,
): Promise<{
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly mounts: readonly ResolvedMount[];
}> {
  const problems: Problem[] = powers.map(({ place, power, effect }) => ({
    input: "torch",
    value: place,
    reason: `asks for ${power}, ${effect ?? "with which its container reaches out to this machine"}`,
    allowed: "containers with Docker's own limits",
    fix: "remove that from the compose file",
  }));
  const warnings: string[] = [];
  const resolved: ResolvedMount[] = [];
  const accepted: (ResolvedMount & { readonly links: readonly string[] })[] = [];
  for (const mount of mounts) {
    const { place, source, readOnly } = mount;
    let found: ResolvedPath;
    try {
      found = await resolveAhead(source);
    } catch (error) {
      problems.push(refuseMount(mount, printable(describeError(error))));
      continue;
    }
    const { real: path, links } = found;
    resolved.push({ ...mount, path });
    const judged = judgeMount(path, readOnly, places);
    const git = await findForeignGit(path, places);
    // What this user may not look into may hold git's folder too, but is first of all what it is known for.
    const isGit = git === "folder" || (git === "hidden" && !(judged !== undefined && "refused" in judged));
    const verdict = isGit ? { refused: FOREIGN_GIT } : judged;
    const what = path === source ? "" : ` (${printable(path)})`;
    if (verdict !== undefined && "refused" in verdict) {
      problems.push(refuseMount(mount, `mounts ${printable(source)}${what}, ${verdict.refused}`));
      continue;
    }
    accepted.push({ ...mount, path, links });
    if (verdict !== undefined)
      warnings.push(`${printable(place)} mounts ${printable(source)}${what}, ${verdict.warning}.`);
  }
  for (const mount of accepted) {
    const parent = accepted.find((other) => isChangedBy(mount, other));
    // A file is what honest files mount over their own sources; docs/security.md says what remains.
    if (parent === undefined || (await kindOf(mount.path)) === "file") continue;
    problems.push({
      ...refuseMount(
        mount,
        `mounts ${printable(mount.source)}, which lies in a folder that ${printable(parent.place)} can write to, ` +
          `${printable(parent.source)}: at the next start it may be a link to another place`,
      ),
      fix: `mount ${printable(parent.source)} read-only, or keep the two folders beside each other`,
    });
  }
  return { problems, warnings, mounts: resolved };
}

/** Whether whoever writes to one mount decides where another one leads. A mount's own root cannot be replaced from in it. */
function isChangedBy(mount: ResolvedMount & { readonly links: readonly string[] }, other: ResolvedMount): boolean {
  if (other.readOnly) return false;
  return [mount.path, ...mount.links].some((path) => path !== other.path && isWithinFolder(other.path, path));
}

async function findForeignGit(
  path: string,
  { own, workspace = [] }: HostPlaces,
): Promise<"folder" | "hidden" | undefined> {
  const foreign = workspace.length > 0 && !own.some((folder) => isWithinFolder(folder, path));
  const git = join(path, ".git");
  // The checkout's own may be seen by whoever sees the checkout.
  if (!foreign || own.some((folder) => isWithinFolder(folder, git))) return undefined;
  const kind = await kindOf(git);
  return kind === "folder" || kind === "hidden" ? kind : undefined;
}

function refuseMount({ place, readOnly }: HostMount, reason: string): Problem {
  return {
    input: "torch",
    value: place,
    reason,
    allowed: "mounts of folders in the checkout or in the workspace, and named volumes",
    fix: `copy what the container needs into the checkout${readOnly ? "" : " (or mount it read-only, where it is not a secret)"}, or use a named volume`,
  };
}

/**
 * What would carry the credentials out of their directory: an image that is built from around it, a container that sees
 * or could replace it.
 * @param directory where the credentials are to be, resolved.
 * @param files the names of the files in it.
 */
export function checkCredentialsPlace(
  { real, links }: ResolvedPath,
  contexts: readonly { readonly title: string; readonly path: string }[],
  mounts: readonly ResolvedMount[],
  files: readonly string[],
): readonly Omit<Problem, "input" | "value">[] {
  const fix = "leave credentials-directory out, or choose another";
  const built = contexts.flatMap(({ title, path }) =>
    isWithinFolder(path, real)
      ? [
          {
            reason: `is in the folder that the ${title}'s image is built from, ${path}`,
            allowed: "a directory outside every build context",
            fix,
          },
        ]
      : [],
  );
  const mounted = mounts.flatMap(({ place, path }) => {
    const allowed = "a directory outside every folder that is mounted into a container";
    if (isWithinFolder(path, real)) {
      return [{ reason: `is in a folder that a container sees: ${printable(place)} mounts ${path}`, allowed, fix }];
    }
    const link = links.find((each) => isWithinFolder(path, each));
    if (link !== undefined) {
      const reason = `leads through the link ${link}, which a container can change: ${printable(place)} mounts ${path}`;
      return [{ reason, allowed, fix }];
    }
    const own = isWithinFolder(real, path) && files.includes(basename(path)) && relative(real, path) === basename(path);
    return own
      ? [
          {
            reason: `holds what ${printable(place)} mounts: ${path}`,
            allowed,
            fix: "remove that mount from the compose file",
          },
        ]
      : [];
  });
  return [...built, ...mounted];
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

/** Whether a field of compose is set, in any of YAML's spellings. */
function isOn(value: unknown): boolean {
  return value === true || (typeof value === "string" && !/^(?:false|f|0|no?|off|)$/i.test(value));
}

/** Compose doubles each dollar, so that it may read again what it prints. */
function textOf(value: unknown, key: string): string | undefined {
  const text = fieldOf(value, key);
  return typeof text === "string" ? text.replaceAll("$$", () => "$") : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).flatMap((each) => (typeof each === "string" ? [each.replaceAll("$$", () => "$")] : []));
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
