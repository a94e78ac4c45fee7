import type { Problem } from "../errors.ts";
import { baseUrl, hostName, type InternetProbe, internetProbe, ipAddress } from "../values/addresses.ts";
import { oneOf, wholeNumber } from "../values/choices.ts";
import { type DnsMode, dnsMode } from "../values/dns.ts";
import { duration } from "../values/durations.ts";
import { type ImageSource, imageSource } from "../values/image-sources.ts";
import { imageReference } from "../values/images.ts";
import type { Parsed } from "../values/issue.ts";
import { artifactName, clusterName, groupName, userName } from "../values/names.ts";
import { type Folders, pathWithin } from "../values/paths.ts";
import type { VersionRequest } from "../versions/request.ts";
import { type PullInputs, readPullInputs } from "./pulls.ts";
import { InputReader } from "./reader.ts";
import { readTorchInputs, type TorchInputs } from "./torch.ts";
import { checkUndeclared } from "./undeclared.ts";

/**
 * Every input, read once. Where a kind configuration can set the same thing, `undefined` is an unset input: that differs
 * from an explicit value, and the plan applies the default.
 */
export interface Inputs extends PullInputs {
  readonly clusterName: string | undefined;
  readonly kubernetesVersion: VersionRequest | undefined;
  readonly kindVersion: VersionRequest | undefined;
  readonly kubectlVersion: VersionRequest | undefined;
  readonly nodeImage: string | undefined;
  readonly kindConfig: ConfigurationSource | undefined;
  /** The files of the user's network plugin, in the order in which they are applied. */
  readonly cniManifests: readonly string[];
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
  /** The path of a private key of the user's; `undefined`: a new one. */
  readonly clientKey: string | undefined;
  readonly credentialsDirectory: string | undefined;
  readonly artifact: boolean;
  readonly artifactName: string | undefined;
  readonly artifactRetentionDays: number;
  readonly artifactPassphrase: string | undefined;
  readonly loadImages: readonly ImageSource[];
  readonly loadBalancer: boolean;
  /** Whether the cluster is prepared for being peered with others. */
  readonly liqo: boolean;
  readonly cleanup: boolean;
  readonly logs: "on-failure" | "always" | "never";
  readonly catalog: string | undefined;
  readonly kindMirror: string | undefined;
  readonly kubectlMirror: string | undefined;
  /** Whether only kind and kubectl are installed. */
  readonly installOnly: boolean;
  readonly internetProbe: InternetProbe;
  readonly matrixIndex: string | undefined;
  /** TORCH-V2's boot; `undefined` where none is asked for. */
  readonly torch: TorchInputs | undefined;
}

/** Where the user's kind configuration is. */
export type ConfigurationSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "inline"; readonly text: string };

/**
 * Reads every input from the environment and reports everything that is wrong with them. In the place of a wrong one is
 * the default, so that problems with the others are found in the same pass.
 */
export function readInputs(
  environment: NodeJS.ProcessEnv,
  folders: Folders,
): {
  readonly inputs: Inputs;
  readonly problems: readonly Problem[];
  /** What is not wrong, but worth a line in the log. */
  readonly warnings: readonly string[];
  /** The names of all inputs of this Action. */
  readonly declared: ReadonlySet<string>;
} {
  const reader = new InputReader(environment);
  const inputs = readAll(reader, pathWithin([folders.workspace, folders.temp]));
  const undeclared = checkUndeclared(environment, reader.declared);
  return {
    inputs,
    problems: [...reader.problems, ...checkPassphraseUse(inputs), ...checkKeyAlgorithm(inputs), ...undeclared.problems],
    warnings: undeclared.warnings,
    declared: reader.declared,
  };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a table, one line for each input.
function readAll(reader: InputReader, path: (text: string) => Parsed<string>): Inputs {
  return {
    torch: readTorchInputs(reader, path),
    ...readPullInputs(reader, path),
    clusterName: reader.optional("cluster-name", clusterName),
    kubernetesVersion: reader.version("kubernetes-version", ["latest"]),
    kindVersion: reader.version("kind-version", ["auto", "latest"]),
    kubectlVersion: reader.version("kubectl-version", ["auto"]),
    nodeImage: reader.optional("node-image", imageReference),
    kindConfig: reader.optional("kind-config", configurationSource(path, reader.untrimmed("kind-config"))),
    cniManifests: reader.list("cni-manifests", path),
    controlPlanes: reader.optional("control-planes", wholeNumber(1, 9)),
    workers: reader.optional("workers", wholeNumber(0, 50)),
    waitSeconds: reader.optional("wait", duration({ min: "0s", max: "6h" })) ?? 300,
    attempts: reader.optional("attempts", wholeNumber(1, 5)) ?? 2,
    existing: reader.optional("existing", oneOf(["fail", "replace"])) ?? "fail",
    dns: reader.optional("dns", dnsMode(path)),
    apiServerAddress: reader.optional("api-server-address", ipAddress),
    extraSans: reader.list("extra-sans", hostName),
    inotifyMaxUserWatches: reader.optional("inotify-max-user-watches", wholeNumber(0, 2147483647)) ?? 524288,
    inotifyMaxUserInstances: reader.optional("inotify-max-user-instances", wholeNumber(0, 2147483647)) ?? 512,
    user: reader.optional("user", userName) ?? "torch",
    groups: reader.list("groups", groupName),
    rbac: reader.optional("rbac", oneOf(["torch", "cluster-admin", "none"])) ?? "torch",
    rbacManifests: reader.list("rbac-manifests", path),
    certificateLifetimeSeconds:
      reader.optional("certificate-lifetime", duration({ min: "10m", max: "8760h" })) ?? 24 * 3600,
    keyAlgorithm: reader.optional("key-algorithm", oneOf(["rsa-2048", "ecdsa-p256"])) ?? "rsa-2048",
    clientKey: reader.optional("client-key", path),
    credentialsDirectory: reader.optional("credentials-directory", path),
    artifact: reader.flag("artifact", true),
    artifactName: reader.optional("artifact-name", artifactName),
    artifactRetentionDays: reader.optional("artifact-retention-days", wholeNumber(1, 400)) ?? 1,
    artifactPassphrase: reader.optional("artifact-passphrase", passphrase),
    cleanup: reader.flag("cleanup", true),
    loadImages: reader.list("load-images", imageSource(path)),
    loadBalancer: reader.flag("load-balancer", false),
    liqo: reader.flag("liqo", false),
    logs: reader.optional("logs", oneOf(["on-failure", "always", "never"])) ?? "on-failure",
    catalog: reader.optional("catalog", path),
    kindMirror: reader.optional("kind-mirror", baseUrl),
    kubectlMirror: reader.optional("kubectl-mirror", baseUrl),
    installOnly: reader.flag("install-only", false),
    internetProbe: reader.optional("internet-probe", internetProbe) ?? DEFAULT_PROBE,
    matrixIndex: reader.text("matrix-index") || undefined,
  };
}

const DEFAULT_PROBE: InternetProbe = { name: "www.google.com", address: "8.8.8.8", port: 53 };

/**
 * Inline YAML is recognized by a line break or a mapping's colon; anything else is a file's path. YAML is read as it was
 * written: without the indentation of its first line it would be another document, or invalid.
 */
function configurationSource(path: (text: string) => Parsed<string>, untrimmed: string) {
  return (text: string): Parsed<ConfigurationSource> => {
    if (/\n|:\s|^\{/.test(text)) return { value: { kind: "inline", text: untrimmed } };
    const parsed = path(text);
    return "value" in parsed ? { value: { kind: "file", path: parsed.value } } : parsed;
  };
}

function passphrase(text: string): Parsed<string> {
  if (text.length >= 8) return { value: text };
  return {
    issue: { reason: "is too short", allowed: "8 characters or more", fix: "use a longer passphrase", secret: true },
  };
}

/** A passphrase for an artifact that is not uploaded. */
function checkPassphraseUse({ artifact, artifactPassphrase }: Inputs): readonly Problem[] {
  if (artifactPassphrase === undefined || artifact) return [];
  return [
    {
      input: "artifact-passphrase and artifact",
      value: "***",
      reason: "has no effect with artifact: false, because it encrypts the key in the artifact",
      allowed: "a passphrase with artifact: true",
      fix: "set artifact: true, or remove artifact-passphrase",
    },
  ];
}

/** An algorithm for a key that is not made. */
function checkKeyAlgorithm({ clientKey, keyAlgorithm }: Inputs): readonly Problem[] {
  if (clientKey === undefined || keyAlgorithm === "rsa-2048") return [];
  return [
    {
      input: "key-algorithm and client-key",
      value: keyAlgorithm,
      reason: "has no effect with client-key, which brings a key of its own algorithm",
      allowed: "one of the two",
      fix: "remove key-algorithm, or remove client-key",
    },
  ];
}
