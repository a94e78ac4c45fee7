import { basename, relative } from "node:path";
import { describeError, type Problem } from "../failure.ts";
import { type ResolvedPath, resolveAhead } from "../inputs/places.ts";
import { isWithinFolder, printable } from "../inputs/values.ts";
import type { Checkout } from "./checkout.ts";
import { COMPONENTS } from "./components.ts";
import type { ComposeModel } from "./compose.ts";

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
  readonly powers: readonly { readonly place: string; readonly power: string }[];
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
  const powers: { readonly place: string; readonly power: string }[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    const place = `${file}: services.${name}`;
    for (const volume of listOf(service.volumes)) {
      const source = textOf(volume, "source");
      if (textOf(volume, "type") !== "bind" || source === undefined) continue;
      mounts.push({ place, source, readOnly: fieldOf(volume, "read_only") === true });
    }
    powers.push(...listPowers(service).map((power) => ({ place, power })));
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

/**
 * What a volume's options make of it: the local driver hands them to mount(8), so a volume can be a folder of this machine,
 * a disk, or an overlay of any folder.
 */
function readVolumeOptions(volume: unknown): { readonly source: string | undefined } | { readonly power: string } {
  const driver = textOf(volume, "driver") ?? "local";
  const options = fieldOf(volume, "driver_opts");
  if (driver !== "local" || entriesOf(options).length === 0) return { source: undefined };
  const type = textOf(options, "type") ?? "";
  if (/^(?:tmpfs|nfs4?|cifs)$/.test(type)) return { source: undefined };
  const device = textOf(options, "device");
  const bound = (textOf(options, "o") ?? "").split(",").some((word) => /^r?bind$/.test(word));
  if (bound && device !== undefined) return { source: device };
  return { power: `a volume of the type ${JSON.stringify(printable(type, 40))}` };
}

/** Capabilities that Docker withholds because they lead out of a container. */
const CAPABILITIES =
  /^(?:CAP_)?(?:ALL|SYS_ADMIN|SYS_MODULE|SYS_PTRACE|SYS_RAWIO|SYS_BOOT|DAC_READ_SEARCH|BPF|PERFMON)$/i;

function listPowers(service: Readonly<Record<string, unknown>>): readonly string[] {
  const powers: string[] = [];
  for (const field of ["privileged", "use_api_socket"]) if (service[field] === true) powers.push(field);
  for (const field of ["pid", "ipc", "userns_mode", "cgroup"]) {
    const value = service[field];
    if (typeof value === "string" && /^(?:host$|container:)/.test(value)) powers.push(`${field}: ${value}`);
  }
  for (const name of listOf(service.cap_add)) {
    if (typeof name === "string" && CAPABILITIES.test(name)) powers.push(`cap_add: ${name}`);
  }
  for (const option of listOf(service.security_opt)) {
    if (typeof option === "string" && /^systempaths[:=]unconfined/i.test(option)) {
      powers.push(`security_opt: ${option}`);
    }
  }
  for (const volumes of listOf(service.volumes_from)) {
    if (typeof volumes === "string" && volumes.startsWith("container:")) powers.push(`volumes_from: ${volumes}`);
  }
  for (const device of listOf(service.devices)) {
    const source = typeof device === "string" ? device.split(":")[0] : textOf(device, "source");
    if (source?.startsWith("/") === true && !HARMLESS_DEVICE.test(source)) powers.push(`devices: ${source}`);
  }
  if (listOf(service.device_cgroup_rules).length > 0) powers.push("device_cgroup_rules");
  return powers.map((power) => printable(power));
}

/** Devices that every container has, or that compute only. */
const HARMLESS_DEVICE = /^\/dev\/(?:null|zero|full|u?random|tty|kvm|dri(?:\/.*)?|nvidia.*|kfd)$/;

/** Places of this machine, resolved. */
export interface HostPlaces {
  /** The checkout, and the workspace: what is mounted from there is the job's own. */
  readonly own: readonly string[];
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
}

/** Places to look up on this machine; `undefined` is one that is not there. */
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
];
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/snap", "/var/spool"];
const HARMLESS = [
  ...["/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/pki"],
  ...["/etc/ca-certificates", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"],
];

/** Looks the places up, with what the environment says of them. */
export async function findHostPlaces(environment: NodeJS.ProcessEnv, own: readonly string[]): Promise<HostPlaces> {
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
    ...[environment.HOME, "/root"].flatMap((home) =>
      home?.startsWith("/") === true
        ? IN_HOME.map((name) => ({ path: `${home}/${name}`, what: "a user's keys, passwords and settings" }))
        : [],
    ),
  ];
  const look = (path: string) => resolveAhead(path).then(({ real }) => real);
  return {
    own: await Promise.all(own.map(look)),
    secret: await Promise.all(secret.map(async ({ path, what }) => ({ path: await look(path), what }))),
    system: await Promise.all(SYSTEM.map(look)),
    harmless: await Promise.all(HARMLESS.map(look)),
  };
}

/** What a mount of a resolved path means; `undefined`: nothing to say. */
export function judgeMount(
  path: string,
  readOnly: boolean,
  { own, secret, system, harmless }: HostPlaces,
): { readonly refused: string } | { readonly warning: string } | undefined {
  const isOwn = own.some((folder) => isWithinFolder(folder, path));
  if (readOnly && harmless.some((place) => isWithinFolder(place, path))) return undefined;
  for (const place of secret) {
    if (isWithinFolder(path, place.path) && path !== place.path) {
      return { refused: `which holds ${place.path}: ${place.what}` };
    }
    // The checkout itself may lie in the temporary folder.
    if (isWithinFolder(place.path, path) && !isOwn) return { refused: `which is in ${place.path}: ${place.what}` };
  }
  if (isOwn) return undefined;
  for (const place of system) {
    if (readOnly) continue;
    if (isWithinFolder(place, path) || isWithinFolder(path, place)) {
      return { refused: "which holds programs that this machine runs, and can be written to" };
    }
  }
  return { warning: `which is outside the checkout and the workspace${readOnly ? "" : ", and can be written to"}` };
}

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
  const problems: Problem[] = powers.map(({ place, power }) => ({
    input: "torch",
    value: place,
    reason: `asks for ${power}, with which its container reaches out to this machine`,
    allowed: "containers with Docker's own limits",
    fix: "remove that from the compose file",
  }));
  const warnings: string[] = [];
  const resolved: ResolvedMount[] = [];
  for (const mount of mounts) {
    const { place, source, readOnly } = mount;
    let path: string;
    try {
      path = (await resolveAhead(source)).real;
    } catch (error) {
      problems.push(refuseMount(mount, printable(describeError(error))));
      continue;
    }
    resolved.push({ ...mount, path });
    const verdict = judgeMount(path, readOnly, places);
    const what = path === source ? "" : ` (${printable(path)})`;
    if (verdict === undefined) continue;
    if ("refused" in verdict)
      problems.push(refuseMount(mount, `mounts ${printable(source)}${what}, ${verdict.refused}`));
    else warnings.push(`${printable(place)} mounts ${printable(source)}${what}, ${verdict.warning}.`);
  }
  return { problems, warnings, mounts: resolved };
}

function refuseMount({ place, readOnly }: HostMount, reason: string): Problem {
  return {
    input: "torch",
    value: place,
    reason,
    allowed: "mounts of folders in the checkout or in the workspace, and named volumes",
    fix: `copy what the container needs into the checkout${readOnly ? "" : " (or mount it read-only, where it is no secret)"}, or use a named volume`,
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

/** Compose doubles each dollar, so that it may read again what it prints. */
function textOf(value: unknown, key: string): string | undefined {
  const text = fieldOf(value, key);
  return typeof text === "string" ? text.replaceAll("$$", () => "$") : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
