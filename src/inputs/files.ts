import { stat } from "node:fs/promises";
import { parseKindConfiguration, type UserConfiguration } from "../cluster/config/read.ts";
import { type ClientKey, parseClientKey } from "../credentials/client-key.ts";
import type { EarlierCredentials } from "../credentials/earlier.ts";
import { describeError, type Problem } from "../errors.ts";
import { type PullCredentials, parsePullCredentials } from "../pulls/credentials.ts";
import { isUnprotected } from "../values/addresses.ts";
import { type Issue, toProblem } from "../values/issue.ts";
import type { Folders } from "../values/paths.ts";
import { printable } from "../values/text.ts";
import { builtInCatalog, type Catalog, parseCatalog } from "../versions/catalog.ts";
import { checkCheckoutFolder, checkDirectory, checkFile, readText } from "./access.ts";
import { type ImageArchive, loadImageArchives } from "./image-archives.ts";
import type { ConfigurationSource, Inputs } from "./inputs.ts";
import { loadTorchClusters } from "./torch-clusters.ts";
import { warnAboutSource } from "./torch-source.ts";

/** What the inputs point to, read. */
export interface InputFiles {
  readonly configuration: UserConfiguration | undefined;
  readonly catalog: Catalog;
  /** The archives of images for the nodes. */
  readonly imageArchives: readonly ImageArchive[];
  /** Credentials for the kubelets; secrets. */
  readonly pullCredentials?: PullCredentials | undefined;
  /** The user's own private key; a secret. */
  readonly clientKey?: ClientKey | undefined;
  /** The credentials of the clusters that earlier steps made; secrets. */
  readonly torchClusters?: readonly EarlierCredentials[];
  readonly problems: readonly Problem[];
  /** What is not wrong, but worth a line in the log. */
  readonly warnings?: readonly string[];
}

/** The largest file of each kind that is read, in bytes. */
const MAX_BYTES = {
  configuration: 100_000,
  catalog: 512 * 1024,
  pullCredentials: 256 * 1024,
  clientKey: 64 * 1024,
  resolvConf: 64 * 1024,
} as const;

/** Reads the files that the inputs name, and reports everything that is wrong with them. */
export async function loadFiles(inputs: Inputs, folders: Folders): Promise<InputFiles> {
  const { configuration, problems: ofConfiguration } = await loadConfiguration(inputs, folders);
  const { catalog, problems: ofCatalog } = await loadCatalog(inputs, folders);
  const { imageArchives, problems: ofArchives } = await loadImageArchives(inputs, folders);
  const { pullCredentials, problems: ofCredentials } = await loadPullCredentials(inputs, folders);
  const { clientKey, problems: ofKey } = await loadClientKey(inputs, folders);
  const { torchClusters, problems: ofClusters } = await loadTorchClusters(inputs, folders);
  const problems = [
    ...ofConfiguration,
    ...ofCatalog,
    ...ofArchives,
    ...ofCredentials,
    ...ofKey,
    ...ofClusters,
    ...(await checkCredentialsDirectory(inputs, folders)),
    ...(await checkManifests(inputs, folders)),
    ...(await checkCheckout(inputs, folders)),
    ...(await checkPackageCache(inputs, folders)),
    ...(await checkResolvConf(inputs, folders)),
  ];
  const warnings = [
    ...(configuration?.warnings ?? []),
    ...(inputs.torch === undefined ? [] : warnAboutSource(inputs.torch.source)),
    ...warnAboutMirrors(inputs),
    ...(await warnAboutTemporaryFolder(folders)),
  ];
  return { configuration, catalog, imageArchives, pullCredentials, clientKey, torchClusters, problems, warnings };
}

async function loadConfiguration({ kindConfig }: Inputs, folders: Folders) {
  if (kindConfig === undefined) return { configuration: undefined, problems: [] };
  const read = await readConfiguration(kindConfig, folders);
  if ("issue" in read) {
    return { configuration: undefined, problems: [toProblem("kind-config", nameOf(kindConfig), read.issue)] };
  }
  const parsed = parseKindConfiguration(read.value, nameOf(kindConfig));
  if ("problems" in parsed) return { configuration: undefined, problems: parsed.problems };
  return { configuration: parsed.configuration, problems: [] };
}

async function readConfiguration(source: ConfigurationSource, folders: Folders) {
  return source.kind === "file"
    ? await readText(source.path, MAX_BYTES.configuration, folders)
    : { value: source.text };
}

function nameOf(source: ConfigurationSource): string {
  return source.kind === "file" ? source.path : "inline";
}

async function loadCatalog({ catalog: path }: Inputs, folders: Folders) {
  const catalog = builtInCatalog();
  if (path === undefined) return { catalog, problems: [] };
  const read = await readText(path, MAX_BYTES.catalog, folders);
  if ("issue" in read) return { catalog, problems: [toProblem("catalog", path, read.issue)] };
  try {
    return { catalog: parseCatalog(read.value), problems: [] };
  } catch (error) {
    const issue = {
      reason: printable(describeError(error)),
      allowed: "a catalog of the form of this Action's own src/versions/catalog.json",
      fix: "fix the file, or leave catalog out to use the built-in one",
    };
    return { catalog, problems: [toProblem("catalog", path, issue)] };
  }
}

async function loadPullCredentials({ pullCredentials: path }: Inputs, folders: Folders) {
  if (path === undefined) return { pullCredentials: undefined, problems: [] };
  const read = await readText(path, MAX_BYTES.pullCredentials, folders);
  const parsed = "issue" in read ? read : parsePullCredentials(read.value);
  if ("value" in parsed) return { pullCredentials: parsed.value, problems: [] };
  return { pullCredentials: undefined, problems: [toProblem("pull-credentials", path, parsed.issue)] };
}

async function loadClientKey({ clientKey: path }: Inputs, folders: Folders) {
  if (path === undefined) return { clientKey: undefined, problems: [] };
  const read = await readText(path, MAX_BYTES.clientKey, folders);
  const parsed = "issue" in read ? read : parseClientKey(read.value);
  if ("value" in parsed) return { clientKey: parsed.value, problems: [] };
  return { clientKey: undefined, problems: [toProblem("client-key", path, parsed.issue)] };
}

async function checkCredentialsDirectory({ credentialsDirectory: path }: Inputs, folders: Folders) {
  if (path === undefined) return [];
  return problemsOf("credentials-directory", path, await checkDirectory(path, folders));
}

/** kubectl reads the manifests, not this Action. */
async function checkManifests({ rbacManifests, cniManifests }: Inputs, folders: Folders) {
  const named = { "cni-manifests": cniManifests, "rbac-manifests": rbacManifests };
  const checked = Object.entries(named).flatMap(([input, paths]) =>
    paths.map(async (path) => problemsOf(input, path, await checkFile(path, folders))),
  );
  return (await Promise.all(checked)).flat();
}

async function checkCheckout({ torch }: Inputs, folders: Folders) {
  if (torch?.source.kind !== "folder") return [];
  const { path } = torch.source;
  return problemsOf("torch", path, await checkCheckoutFolder(path, folders));
}

async function checkPackageCache({ torch }: Inputs, folders: Folders) {
  if (torch?.packageCache === undefined) return [];
  return problemsOf("torch-package-cache", torch.packageCache, await checkDirectory(torch.packageCache, folders));
}

async function checkResolvConf({ dns }: Inputs, folders: Folders) {
  if (dns?.kind !== "resolv-conf") return [];
  const read = await readText(dns.path, MAX_BYTES.resolvConf, folders);
  if ("issue" in read) return [toProblem("dns", dns.path, read.issue)];
  if (/^[ \t]*nameserver[ \t]+\S+/m.test(read.value)) return [];
  return problemsOf("dns", dns.path, {
    reason: "has no nameserver line",
    allowed: "a resolv.conf with at least one nameserver line",
    fix: "add a line such as nameserver 192.0.2.53",
  });
}

function problemsOf(input: string, value: string, issue: Issue | undefined): readonly Problem[] {
  return issue === undefined ? [] : [toProblem(input, value, issue)];
}

/** Mirrors whose programs others on the way can change. */
function warnAboutMirrors({ kindMirror, kubectlMirror, registryMirrors }: Inputs): readonly string[] {
  const mirrors = { "kind-mirror": kindMirror, "kubectl-mirror": kubectlMirror };
  const unprotected = registryMirrors.filter(({ url }) => isUnprotected(url));
  return [
    ...Object.entries(mirrors).flatMap(([input, mirror]) =>
      mirror === undefined || !isUnprotected(mirror)
        ? []
        : [
            `${input}: ${mirror} is read without encryption: where the catalog has no checksum, anyone on the network path can change the program that is run here. Fix: use an https URL.`,
          ],
    ),
    ...unprotected.map(
      ({ url }) =>
        `registry-mirrors: ${url} is read without encryption: anyone on the network path can change an image that is pulled by its tag, and read the credentials that are sent. Fix: use an https URL.`,
    ),
  ];
}

/** A temporary folder in which everyone may replace the files of others. */
async function warnAboutTemporaryFolder({ temp }: Folders): Promise<readonly string[]> {
  const { mode } = await stat(temp);
  const isSticky = (mode & 0o1000) !== 0;
  if ((mode & 0o002) === 0 || isSticky) return [];
  return [
    `Every user of this machine can write to the runner's temporary folder, ${temp} (mode ${(mode & 0o7777).toString(8)}), and replace what this step puts there. Fix: run chmod o-w or chmod +t on it.`,
  ];
}
