import { opendir } from "node:fs/promises";
import { basename, join } from "node:path";
import { judgeCertificate } from "../credentials/certificate.ts";
import { parseClientKey } from "../credentials/client-key.ts";
import type { EarlierCredentials } from "../credentials/earlier.ts";
import { credentialPaths } from "../credentials/files.ts";
import { readUserKubeconfig, type UserKubeconfig } from "../credentials/kubeconfig.ts";
import { describeError, errorCode, type Problem } from "../errors.ts";
import { isInside, resolveAhead } from "../values/files.ts";
import { type Issue, type Parsed, toProblem } from "../values/issue.ts";
import type { Folders } from "../values/paths.ts";
import { printable } from "../values/text.ts";
import { readText } from "./access.ts";
import type { Inputs } from "./inputs.ts";

const INPUT = "torch-clusters";

const ALLOWED = "the output credentials-directory of an earlier step of this job";
const FIX =
  "write the output credentials-directory of the step that made that cluster, with all files as that step wrote them";

/** The largest of the files that is read, in bytes. */
const MAX_BYTES = 64 * 1024;

/** A directory of credentials has four files; one with many more is another one, and is not searched. */
const MAX_ENTRIES = 1000;

/** Reads the credentials of the clusters that earlier steps made, and reports everything that is wrong with them. */
export async function loadTorchClusters(
  inputs: Pick<Inputs, "torch" | "waitSeconds">,
  folders: Folders,
): Promise<{ readonly torchClusters: readonly EarlierCredentials[]; readonly problems: readonly Problem[] }> {
  const { torch, waitSeconds } = inputs;
  const from = new Date();
  // This step's cluster, TORCH-V2's components, and the nodes of the template: as long as each may take.
  const until = new Date(from.getTime() + (waitSeconds + 2 * (torch?.waitSeconds ?? 0)) * 1000);
  const read = await Promise.all(
    (torch?.clusters ?? []).map(async (directory) => ({
      directory,
      ...(await readDirectory(directory, folders, { from, until })),
    })),
  );
  return {
    torchClusters: read.flatMap((each) => ("value" in each ? [each.value] : [])),
    problems: read.flatMap((each) =>
      "issues" in each ? each.issues.map((issue) => toProblem(INPUT, each.directory, issue)) : [],
    ),
  };
}

/** What was read, or everything that is wrong with it. */
type ReadOrIssues = { readonly value: EarlierCredentials } | { readonly issues: readonly Issue[] };

async function readDirectory(
  directory: string,
  folders: Folders,
  needed: { readonly from: Date; readonly until: Date },
): Promise<ReadOrIssues> {
  const found = await findKubeconfig(directory, folders);
  if ("issue" in found) return { issues: [found.issue] };
  const read = await readKubeconfig(found.value, folders);
  if ("issue" in read) return { issues: [read.issue] };
  const names = read.value;
  const paths = credentialPaths(directory, names.user);
  const texts = await Promise.all(
    [paths.ca, paths.certificate, paths.privateKey].map(async (path) =>
      inFile(path, await readText(path, MAX_BYTES, folders)),
    ),
  );
  const issues = texts.flatMap((text) => ("issue" in text ? [text.issue] : []));
  if (issues.length > 0) return { issues };
  const [ca = "", certificate = "", privateKey = ""] = texts.map((text) => ("value" in text ? text.value : ""));
  const key = inFile(paths.privateKey, parseClientKey(privateKey));
  if ("issue" in key) return { issues: [key.issue] };
  const judged = judgeCertificate({ ca, certificate, privateKey }, names.user, needed);
  if (typeof judged !== "string") return { value: { directory, ...names, ca, certificate, privateKey } };
  return { issues: [describeCertificate(paths.certificate, judged, needed.until)] };
}

/** The one kubeconfig in a directory: its name and content say whose credentials these are. */
async function findKubeconfig(directory: string, folders: Folders): Promise<Parsed<string>> {
  const refuse = (reason: string) => ({ issue: { reason, allowed: ALLOWED, fix: FIX } });
  try {
    const { real } = await resolveAhead(directory);
    if (!(await isInside(real, [folders.workspace, folders.temp]))) {
      return refuse("is a link that leads out of the workspace");
    }
    const found = await listKubeconfigs(directory);
    const [first, ...others] = found;
    if (first === undefined) return refuse("has no <user>.kubeconfig");
    if (others.length > 0)
      return refuse(`has several kubeconfigs (${found.map((name) => printable(name)).join(", ")})`);
    return { value: join(directory, first) };
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return refuse("does not exist");
    return refuse(code === "ENOTDIR" ? "is not a directory" : `cannot be read: ${describeError(error)}`);
  }
}

async function listKubeconfigs(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  let entries = 0;
  for await (const { name } of await opendir(directory)) {
    entries += 1;
    if (entries > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} files`);
    if (name.endsWith(".kubeconfig")) found.push(name);
  }
  return found.toSorted();
}

async function readKubeconfig(path: string, folders: Folders): Promise<Parsed<UserKubeconfig>> {
  const read = inFile(path, await readText(path, MAX_BYTES, folders));
  if ("issue" in read) return read;
  const names = readUserKubeconfig(read.value, basename(path));
  if (names !== undefined) return { value: names };
  const reason = "this Action did not write, or which has been changed";
  return inFile(path, { issue: { reason, allowed: ALLOWED, fix: FIX } });
}

/** An issue of a file, as one of the directory that it lies in. */
function inFile<T>(path: string, parsed: Parsed<T>): Parsed<T> {
  if ("value" in parsed) return parsed;
  const reason = `has ${printable(basename(path))}, which ${parsed.issue.reason}`;
  return { issue: { reason, allowed: ALLOWED, fix: FIX } };
}

/** A time as Node.js prints a certificate's, to compare the two. */
function asInCertificate(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(/,? /);
  return `${month} ${day} ${clock} ${year} GMT`;
}

function describeCertificate(path: string, judged: string, until: Date): Issue {
  const times = judged.startsWith("is valid");
  return {
    reason: `has ${printable(basename(path))}, which ${judged}${times ? `, and this step may need it until ${asInCertificate(until)}` : ""}`,
    allowed: ALLOWED,
    fix: times ? "set a longer certificate-lifetime in the step that made that cluster" : FIX,
  };
}
