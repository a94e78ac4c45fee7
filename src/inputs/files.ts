import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { parseKindConfiguration, type UserConfiguration } from "../cluster/configuration.ts";
import { describeError, type Problem } from "../failure.ts";
import { builtInCatalog, type Catalog, parseCatalog } from "../versions/catalog.ts";
import type { Folders, Inputs } from "./inputs.ts";
import { isWithinFolder } from "./values.ts";

/** What the inputs point to, read. */
export interface InputFiles {
  readonly configuration: UserConfiguration | undefined;
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

/** Reads the files that the inputs name, and says all that is wrong with them. */
export async function loadFiles(inputs: Inputs, folders: Folders): Promise<InputFiles> {
  const problems: Problem[] = [];
  const read = async (input: string, path: string): Promise<string | undefined> => {
    const complaint = await findComplaint(path, folders);
    if (complaint === undefined) return await readFile(path, "utf8");
    problems.push({ input, value: path, ...complaint });
    return undefined;
  };

  const source = inputs.kindConfig;
  const text = source?.kind === "file" ? await read("kind-config", source.path) : source?.text;
  let configuration: UserConfiguration | undefined;
  if (text !== undefined && source !== undefined) {
    const parsed = parseKindConfiguration(text, source.kind === "file" ? source.path : "inline");
    if ("configuration" in parsed) configuration = parsed.configuration;
    else problems.push(...parsed.problems);
  }

  let catalog = builtInCatalog();
  const catalogText = inputs.catalog === undefined ? undefined : await read("catalog", inputs.catalog);
  if (catalogText !== undefined) {
    try {
      catalog = parseCatalog(catalogText);
    } catch (error) {
      problems.push({
        input: "catalog",
        value: inputs.catalog ?? "",
        reason: describeError(error),
        allowed: "a catalogue of the form of this Action's own src/versions/catalog.json",
        fix: "mend the file, or leave catalog out to use the built-in one",
      });
    }
  }
  if (inputs.credentialsDirectory !== undefined) {
    const complaint = await findDirectoryComplaint(inputs.credentialsDirectory, folders);
    if (complaint !== undefined) {
      problems.push({ input: "credentials-directory", value: inputs.credentialsDirectory, ...complaint });
    }
  }
  for (const manifest of inputs.rbacManifests) await read("rbac-manifests", manifest);
  if (inputs.dns?.kind === "resolv-conf") {
    const resolvConf = await read("dns", inputs.dns.path);
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
  return { configuration, catalog, problems };
}

type Complaint = Omit<Problem, "input" | "value">;

/** The directory need not be there yet; what is there of the way to it must not lead out. */
async function findDirectoryComplaint(directory: string, folders: Folders): Promise<Complaint | undefined> {
  const allowed = "a directory in the workspace or in the runner's temporary folder";
  let there = directory;
  for (;;) {
    try {
      const real = await realpath(there);
      if (!(await stat(real)).isDirectory()) return { reason: "is not a directory", allowed, fix: "name another path" };
      if (await isInside(real, folders)) return undefined;
      return { reason: "is a link that leads out of the workspace", allowed, fix: "name a directory in the workspace" };
    } catch (error) {
      const dangling = await lstat(there).then(
        (link) => link.isSymbolicLink(),
        () => false,
      );
      if (dangling || dirname(there) === there)
        return { reason: describeError(error), allowed, fix: "name another path" };
      there = dirname(there);
    }
  }
}

async function isInside(path: string, folders: Folders): Promise<boolean> {
  const roots = await Promise.all([folders.workspace, folders.temp].map((root) => realpath(root)));
  return roots.some((root) => isWithinFolder(root, path));
}

async function findComplaint(path: string, folders: Folders): Promise<Complaint | undefined> {
  const allowed = "an existing file in the workspace or in the runner's temporary folder";
  try {
    if (!(await stat(path)).isFile()) return { reason: "is not a file", allowed, fix: "name a file" };
    if (await isInside(await realpath(path), folders)) return undefined;
    return { reason: "is a link that leads out of the workspace", allowed, fix: "copy the file into the workspace" };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    return {
      reason: missing ? "does not exist" : `cannot be read: ${describeError(error)}`,
      allowed,
      fix: missing ? "check the path, and that the repository is checked out before this step" : "make it readable",
    };
  }
}
