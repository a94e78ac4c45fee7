import type { Stats } from "node:fs";
import { access, constants, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { checkHostPath } from "../cluster/config/mounts.ts";
import { parseKindConfiguration, type UserConfiguration } from "../cluster/config/read.ts";
import { describeError, type Problem } from "../errors.ts";
import { isUnprotected } from "../values/addresses.ts";
import { decodeText } from "../values/data.ts";
import { isWithinFolder } from "../values/paths.ts";
import { printable } from "../values/text.ts";
import { builtInCatalog, type Catalog, parseCatalog } from "../versions/catalog.ts";
import type { Folders, Inputs } from "./inputs.ts";
import { readBounded, resolveAhead, SizeError } from "./places.ts";
import { warnAboutSource } from "./torch.ts";

/** What the inputs point to, read. */
export interface InputFiles {
  readonly configuration: UserConfiguration | undefined;
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
  /** What is not wrong, and a reader of the log should know. */
  readonly warnings?: readonly string[];
}

/** The largest file of each kind that is read, in bytes. */
const MAX_BYTES = { configuration: 100_000, catalog: 512 * 1024, resolvConf: 64 * 1024 } as const;

/** Reads the files that the inputs name, and says all that is wrong with them. */
export async function loadFiles(inputs: Inputs, folders: Folders): Promise<InputFiles> {
  const problems: Problem[] = [];
  const isReadable = async (input: string, path: string): Promise<boolean> => {
    const found = await findComplaint(path, folders);
    if (found !== undefined) problems.push({ input, value: path, ...found });
    return found === undefined;
  };
  const read = async (input: string, path: string, maxBytes: number): Promise<string | undefined> => {
    if (!(await isReadable(input, path))) return undefined;
    try {
      const text = decodeText(await readBounded(path, maxBytes));
      if (text === undefined) {
        const allowed = "a text in UTF-8";
        problems.push({ input, value: path, reason: "is not UTF-8", allowed, fix: "save it in UTF-8" });
      }
      return text;
    } catch (error) {
      if (!(error instanceof SizeError)) throw error;
      problems.push({
        input,
        value: path,
        reason: `is larger than ${maxBytes % 1000 === 0 ? `${maxBytes / 1000} kB` : `${maxBytes} bytes`}`,
        allowed: "a file that a person could have written",
        fix: "name another file, or leave out of it what is not needed",
      });
      return undefined;
    }
  };

  const source = inputs.kindConfig;
  const text = source?.kind === "file" ? await read("kind-config", source.path, MAX_BYTES.configuration) : source?.text;
  let configuration: UserConfiguration | undefined;
  if (text !== undefined && source !== undefined) {
    const parsed = parseKindConfiguration(text, source.kind === "file" ? source.path : "inline");
    if ("configuration" in parsed) configuration = parsed.configuration;
    else problems.push(...parsed.problems);
    problems.push(...(await findMissingHostPaths(configuration, inputs.credentialsDirectory)));
  }

  let catalog = builtInCatalog();
  const catalogText =
    inputs.catalog === undefined ? undefined : await read("catalog", inputs.catalog, MAX_BYTES.catalog);
  if (catalogText !== undefined) {
    try {
      catalog = parseCatalog(catalogText);
    } catch (error) {
      problems.push({
        input: "catalog",
        value: inputs.catalog ?? "",
        reason: printable(describeError(error)),
        allowed: "a catalog of the form of this Action's own src/versions/catalog.json",
        fix: "fix the file, or leave catalog out to use the built-in one",
      });
    }
  }
  if (inputs.credentialsDirectory !== undefined) {
    const found = await findDirectoryComplaint(inputs.credentialsDirectory, folders);
    if (found !== undefined) {
      problems.push({ input: "credentials-directory", value: inputs.credentialsDirectory, ...found });
    }
  }
  // kubectl reads them, not this Action.
  for (const manifest of inputs.rbacManifests) await isReadable("rbac-manifests", manifest);
  if (inputs.torch?.source.kind === "folder") {
    const found = await findLinkComplaint(inputs.torch.source.path, folders);
    if (found !== undefined) problems.push({ input: "torch", value: inputs.torch.source.path, ...found });
  }
  if (inputs.dns?.kind === "resolv-conf") {
    const resolvConf = await read("dns", inputs.dns.path, MAX_BYTES.resolvConf);
    if (resolvConf !== undefined && !/^[ \t]*nameserver[ \t]+\S+/m.test(resolvConf)) {
      problems.push({
        input: "dns",
        value: inputs.dns.path,
        reason: "names no name server",
        allowed: "a resolv.conf with at least one nameserver line",
        fix: "add a line such as nameserver 192.0.2.53",
      });
    }
  }
  const warnings = [...(configuration?.warnings ?? []), ...(await findWarnings(inputs, folders))];
  return { configuration, catalog, problems, warnings };
}

/** What a kind configuration mounts into nodes and is not on this machine. */
async function findMissingHostPaths(
  configuration: UserConfiguration | undefined,
  made: string | undefined,
): Promise<readonly Problem[]> {
  if (configuration === undefined) return [];
  const found = await Promise.all(
    configuration.hostPaths.map(async (hostPath) => ({ ...hostPath, issue: await checkHostPath(hostPath, made) })),
  );
  return found.flatMap(({ path, issue }) => (issue === undefined ? [] : [configuration.problemAt(path, issue)]));
}

/** What may be so on purpose. */
async function findWarnings(inputs: Inputs, folders: Folders): Promise<readonly string[]> {
  const warnings = inputs.torch === undefined ? [] : [...warnAboutSource(inputs.torch.source)];
  for (const [input, mirror] of [
    ["kind-mirror", inputs.kindMirror],
    ["kubectl-mirror", inputs.kubectlMirror],
  ] as const) {
    if (mirror === undefined || !isUnprotected(mirror)) continue;
    warnings.push(
      `${input}: ${mirror} is read without encryption: where the catalog has no checksum, anyone on the way can change the program that is run here. Use an https URL.`,
    );
  }
  const { mode } = await stat(folders.temp);
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    warnings.push(
      `The runner's temporary folder, ${folders.temp}, can be written to by every user of this machine (mode ${(mode & 0o7777).toString(8)}): they can replace what this step puts there. Run chmod o-w on it, or chmod +t.`,
    );
  }
  return warnings;
}

type Complaint = Omit<Problem, "input" | "value">;

/** The directory need not be there yet; where it will be once it is made must not be outside. */
export async function findDirectoryComplaint(directory: string, folders: Folders): Promise<Complaint | undefined> {
  const allowed = "a directory in the workspace or in the runner's temporary folder";
  try {
    const { real, links } = await resolveAhead(directory);
    if (!(await isInside(real, folders))) {
      return { reason: "is a link that leads out of the workspace", allowed, fix: "name a directory in the workspace" };
    }
    const dangling = await findDangling(links);
    if (dangling !== undefined) {
      const reason = `leads through the link ${printable(dangling)}, whose target is not there`;
      return { reason, allowed, fix: "name another path" };
    }
    if ((await findNearest(real)).isDirectory()) return undefined;
    return { reason: "is not a directory", allowed, fix: "name another path" };
  } catch (error) {
    return { reason: describeError(error), allowed, fix: "name another path" };
  }
}

/** A link that leads to what is not there. */
async function findDangling(links: readonly string[]): Promise<string | undefined> {
  for (const link of links) if (isMissing(await stat(link).catch((error: unknown) => error))) return link;
  return undefined;
}

/** What is there of a path: itself, or the nearest of the folders above it. */
async function findNearest(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    return await findNearest(dirname(path));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** A folder that is not there is said where it is looked through. */
async function findLinkComplaint(path: string, folders: Folders): Promise<Complaint | undefined> {
  const { real } = await resolveAhead(path);
  if (await isInside(real, folders)) return undefined;
  return {
    reason: `leads out of the workspace through a link, to ${printable(real)}`,
    allowed: "a folder in the workspace or in the runner's temporary folder",
    fix: "check TORCH-V2 out into the workspace",
  };
}

async function isInside(path: string, folders: Folders): Promise<boolean> {
  const roots = await Promise.all([folders.workspace, folders.temp].map((root) => realpath(root)));
  return roots.some((root) => isWithinFolder(root, path));
}

async function findComplaint(path: string, folders: Folders): Promise<Complaint | undefined> {
  const allowed = "an existing file in the workspace or in the runner's temporary folder";
  try {
    if (!(await stat(path)).isFile()) return { reason: "is not a file", allowed, fix: "name a file" };
    if (!(await isInside(await realpath(path), folders))) {
      return { reason: "is a link that leads out of the workspace", allowed, fix: "copy the file into the workspace" };
    }
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return {
      reason: missing ? "does not exist" : `cannot be read: ${describeError(error)}`,
      allowed,
      fix: missing ? "check the path, and that the repository is checked out before this step" : "make it readable",
    };
  }
}
