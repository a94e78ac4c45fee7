import type { Problem } from "../errors.ts";
import { baseUrl, hostName, ipAddress } from "../values/addresses.ts";
import { boolean, oneOf, wholeNumber } from "../values/choices.ts";
import { duration } from "../values/durations.ts";
import { imageReference } from "../values/images.ts";
import { type Parsed, toProblem } from "../values/issue.ts";
import { artifactName, clusterName, userName } from "../values/names.ts";
import { pathWithin } from "../values/paths.ts";
import { splitList } from "../values/text.ts";
import type { VersionRequest } from "../versions/request.ts";
import { readVersionInput } from "../versions/resolve.ts";
import { readTorchInputs, type TorchInputs } from "./torch.ts";
import { warnAboutUndeclared } from "./undeclared.ts";

/** How pods and nodes resolve names outside the cluster. */
export type DnsMode =
  | { readonly kind: "no-search-domains" }
  | { readonly kind: "inherit" }
  | { readonly kind: "docker-host" }
  | { readonly kind: "resolv-conf"; readonly path: string };

/** What the diagnosis tries to reach from a pod: a name to resolve, and an address to connect to. */
export interface InternetProbe {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Every input, read once. `undefined` is "not said": for what a kind configuration can express as well, an explicit
 * value and an unset one differ, and the plan applies the default.
 */
export interface Inputs {
  readonly clusterName: string | undefined;
  readonly kubernetesVersion: VersionRequest | undefined;
  readonly kindVersion: VersionRequest | undefined;
  readonly kubectlVersion: VersionRequest | undefined;
  readonly nodeImage: string | undefined;
  readonly kindConfig:
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "inline"; readonly text: string }
    | undefined;
  readonly controlPlanes: number | undefined;
  readonly workers: number | undefined;
  readonly waitSeconds: number;
  readonly attempts: number;
  readonly existing: "fail" | "replace";
  readonly dns: DnsMode | undefined;
  readonly apiServerAddress: string | undefined;
  readonly extraSans: readonly string[];
  readonly inotifyMaxUserWatches: number;
  readonly inotifyMaxUserInstances: number;
  readonly user: string;
  readonly groups: readonly string[];
  readonly rbac: "torch" | "cluster-admin" | "none";
  readonly rbacManifests: readonly string[];
  readonly certificateLifetimeSeconds: number;
  readonly keyAlgorithm: "rsa-2048" | "ecdsa-p256";
  readonly credentialsDirectory: string | undefined;
  readonly artifact: boolean;
  readonly artifactName: string | undefined;
  readonly artifactRetentionDays: number;
  readonly artifactPassphrase: string | undefined;
  readonly cleanup: boolean;
  readonly logs: "on-failure" | "always" | "never";
  readonly catalog: string | undefined;
  readonly kindMirror: string | undefined;
  readonly kubectlMirror: string | undefined;
  readonly internetProbe: InternetProbe;
  readonly matrixIndex: string | undefined;
  /** TORCH-V2's boot; `undefined` where none is asked for. */
  readonly torch: TorchInputs | undefined;
}

/** The runner's folders that inputs may point into. */
export interface Folders {
  readonly workspace: string;
  readonly temp: string;
}

/** The text of one input as the runner passes it; an unset one is empty. */
export function inputText(environment: NodeJS.ProcessEnv, name: string): string {
  return untrimmedInput(environment, name).trim();
}

function untrimmedInput(environment: NodeJS.ProcessEnv, name: string): string {
  return environment[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "";
}

/**
 * Reads every input from the environment and says all that is wrong with them. Where one is wrong, its place holds
 * the default, so that what the others break can be found in the same pass.
 */
export function readInputs(
  environment: NodeJS.ProcessEnv,
  folders: Folders,
): {
  readonly inputs: Inputs;
  readonly problems: readonly Problem[];
  /** What is not wrong, and a reader of the log should know. */
  readonly warnings: readonly string[];
} {
  const problems: Problem[] = [];
  const declared = new Set(["job-status"]);
  const text = (name: string) => {
    declared.add(name);
    return inputText(environment, name);
  };

  function optional<T>(name: string, parse: (text: string) => Parsed<T>): T | undefined {
    const value = text(name);
    if (value === "") return undefined;
    const parsed = parse(value);
    if ("value" in parsed) return parsed.value;
    problems.push(toProblem(name, value, parsed.issue));
    return undefined;
  }
  function list<T>(name: string, parse: (text: string) => Parsed<T>): readonly T[] {
    return splitList(text(name)).flatMap((item) => {
      const parsed = parse(item);
      if ("value" in parsed) return [parsed.value];
      problems.push(toProblem(name, item, parsed.issue));
      return [];
    });
  }
  function version(name: string, words: readonly ("auto" | "latest")[]): VersionRequest | undefined {
    const value = text(name);
    const read = value === "" ? undefined : readVersionInput(name, value, words);
    if (read === undefined || "kind" in read) return read;
    problems.push(read);
    return undefined;
  }
  const path = pathWithin([folders.workspace, folders.temp]);

  const { torch, problems: torchProblems } = readTorchInputs(text, optional, path);
  problems.push(...torchProblems);

  const inputs: Inputs = {
    torch,
    clusterName: optional("cluster-name", clusterName),
    kubernetesVersion: version("kubernetes-version", ["latest"]),
    kindVersion: version("kind-version", ["auto", "latest"]),
    kubectlVersion: version("kubectl-version", ["auto"]),
    nodeImage: optional("node-image", imageReference),
    kindConfig: optional("kind-config", kindConfigSource(path, untrimmedInput(environment, "kind-config"))),
    controlPlanes: optional("control-planes", wholeNumber(1, 9)),
    workers: optional("workers", wholeNumber(0, 50)),
    waitSeconds: optional("wait", duration({ min: "0s", max: "6h" })) ?? 300,
    attempts: optional("attempts", wholeNumber(1, 5)) ?? 2,
    existing: optional("existing", oneOf(["fail", "replace"])) ?? "fail",
    dns: optional("dns", dnsMode(path)),
    apiServerAddress: optional("api-server-address", ipAddress),
    extraSans: list("extra-sans", hostName),
    inotifyMaxUserWatches: optional("inotify-max-user-watches", wholeNumber(0, 2147483647)) ?? 524288,
    inotifyMaxUserInstances: optional("inotify-max-user-instances", wholeNumber(0, 2147483647)) ?? 512,
    user: optional("user", userName) ?? "torch",
    groups: list("groups", groupName),
    rbac: optional("rbac", oneOf(["torch", "cluster-admin", "none"])) ?? "torch",
    rbacManifests: list("rbac-manifests", path),
    certificateLifetimeSeconds: optional("certificate-lifetime", duration({ min: "10m", max: "8760h" })) ?? 24 * 3600,
    keyAlgorithm: optional("key-algorithm", oneOf(["rsa-2048", "ecdsa-p256"])) ?? "rsa-2048",
    credentialsDirectory: optional("credentials-directory", path),
    artifact: optional("artifact", boolean) ?? true,
    artifactName: optional("artifact-name", artifactName),
    artifactRetentionDays: optional("artifact-retention-days", wholeNumber(1, 400)) ?? 1,
    artifactPassphrase: optional("artifact-passphrase", passphrase),
    cleanup: optional("cleanup", boolean) ?? true,
    logs: optional("logs", oneOf(["on-failure", "always", "never"])) ?? "on-failure",
    catalog: optional("catalog", path),
    kindMirror: optional("kind-mirror", baseUrl),
    kubectlMirror: optional("kubectl-mirror", baseUrl),
    internetProbe: optional("internet-probe", internetProbe) ?? DEFAULT_PROBE,
    matrixIndex: text("matrix-index") || undefined,
  };
  if (inputs.artifactPassphrase !== undefined && !inputs.artifact) {
    problems.push({
      input: "artifact-passphrase and artifact",
      value: "***",
      reason: "asks for an encrypted key in an artifact that is switched off",
      allowed: "a passphrase with artifact: true",
      fix: "leave one of the two out",
    });
  }
  return { inputs, problems, warnings: warnAboutUndeclared(environment, declared) };
}

const DEFAULT_PROBE: InternetProbe = { name: "www.google.com", address: "8.8.8.8", port: 53 };

/**
 * Inline YAML is recognised by a line break or a mapping's colon; anything else is a file's path. YAML is taken as it
 * was written: without its first line's indentation it is another document, or none.
 */
function kindConfigSource(path: (text: string) => Parsed<string>, untrimmed: string) {
  return (text: string): Parsed<NonNullable<Inputs["kindConfig"]>> => {
    if (/\n|:\s|^\{/.test(text)) return { value: { kind: "inline", text: untrimmed } };
    const parsed = path(text);
    return "value" in parsed ? { value: { kind: "file", path: parsed.value } } : parsed;
  };
}

function dnsMode(path: (text: string) => Parsed<string>) {
  return (text: string): Parsed<DnsMode> => {
    if (text === "no-search-domains" || text === "inherit" || text === "docker-host") return { value: { kind: text } };
    const parsed = path(text);
    return "value" in parsed ? { value: { kind: "resolv-conf", path: parsed.value } } : parsed;
  };
}

function groupName(text: string): Parsed<string> {
  if (text === "system:masters") {
    return {
      issue: {
        reason: "is refused by the API server's admission (CertificateSubjectRestriction)",
        allowed: "any other group",
        fix: "use rbac: cluster-admin, which gives the same rights",
      },
    };
  }
  if (/^[\x21-\x7e]{1,64}$/.test(text)) return { value: text };
  return {
    issue: {
      reason: "cannot be a group",
      allowed: "1 to 64 printable characters without spaces (X.509's bound for an organization)",
      fix: "choose a shorter, plainer name",
    },
  };
}

function passphrase(text: string): Parsed<string> {
  if (text.length >= 8) return { value: text };
  return {
    issue: { reason: "is too short", allowed: "8 characters or more", fix: "take a longer secret", secret: true },
  };
}

function internetProbe(text: string): Parsed<InternetProbe> {
  const match = /^([a-zA-Z0-9.-]{1,253})[\s,]+(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  const [, name, address, port] = match ?? [];
  if (
    name !== undefined &&
    address !== undefined &&
    "value" in hostName(name) &&
    "value" in ipAddress(address) &&
    Number(port) >= 1 &&
    Number(port) <= 65535
  ) {
    return { value: { name, address, port: Number(port) } };
  }
  return {
    issue: {
      reason: "is not a probe target",
      allowed: "a name and an IPv4 address with a port, such as www.google.com 8.8.8.8:53",
      fix: "write the two with a space between them",
    },
  };
}
