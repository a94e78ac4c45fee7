import { posix } from "node:path";
import { printable } from "../../values/text.ts";
import { entriesOf, fieldOf, isOn, listOf, textOf, textsOf } from "./fields.ts";

/** A setting that lets a container reach out to this machine. */
export interface Power {
  readonly power: string;
  /** What it does, unless that is what most powers do. */
  readonly effect?: string;
}

/** Capabilities that Docker leaves out because they reach out of a container. SYS_PTRACE stays within its processes. */
const CAPABILITIES =
  /^(?:CAP_)?(?:ALL|SYS_(?:ADMIN|MODULE|RAWIO|BOOT|TIME|PACCT|TTY_CONFIG)|SYSLOG|DAC_READ_SEARCH|BPF|PERFMON|MAC_(?:ADMIN|OVERRIDE)|AUDIT_(?:CONTROL|READ)|CHECKPOINT_RESTORE|WAKE_ALARM|BLOCK_SUSPEND)$/i;

/** Options that keep or strengthen what Docker sets itself. */
const SECURITY_OPTIONS =
  /^(?:no-new-privileges(?:[:=](?:true|false))?|seccomp[:=]builtin|apparmor[:=]docker-default)$/i;

/** Runtimes that start containers as usual, or isolate them better. */
const RUNTIMES =
  /^(?:runc|crun|youki|runsc|nvidia|sysbox-runc|kata(?:-\w+)?|io\.containerd\.(?:runc|runsc|kata)\.v\d)$/;

/** Settings for the program that starts the container, which runs outside of it. */
const ANNOTATIONS = /^(?:org\.systemd\.property\.|run\.oci\.|io\.katacontainers\.|dev\.gvisor\.)/;

/** Drivers with which Docker keeps a container's log on this machine. */
const LOG_DRIVERS = /^(?:json-file|local|none|journald)?$/;

/** What in a service lets its container reach out to this machine. */
export function listPowers(service: Readonly<Record<string, unknown>>): readonly Power[] {
  const powers = [
    ...listRights(service),
    ...listNamespaces(service),
    ...listDevices(service),
    ...listRuntime(service),
  ].map((power): Power => ({ power: printable(power) }));
  const driver = textOf(service.logging, "driver") ?? "";
  if (LOG_DRIVERS.test(driver)) return powers;
  const effect = "which makes Docker send to other machines from this machine's own network";
  return [...powers, { power: printable(`logging.driver: ${driver}`), effect }];
}

/** What else root in a container may do. */
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

/** What the container shares with this machine, or with containers that are not TORCH-V2's. */
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

/** Other programs of this machine that start the container, and settings for them. */
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

/** Devices that every container has, or that only compute. */
const HARMLESS_DEVICE = /^\/dev\/(?:null|zero|full|u?random|tty|kvm|dri(?:\/.*)?|nvidia.*|kfd)$/;

/** `vendor/class=name`: what this machine's administrator has defined for containers. */
const CDI_DEVICE = /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/;
