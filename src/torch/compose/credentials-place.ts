import { basename, relative } from "node:path";
import { describeProblem, Failure, type Problem } from "../../errors.ts";
import { checkDirectory } from "../../inputs/access.ts";
import { type ResolvedPath, resolveAhead } from "../../values/files.ts";
import { type Issue, toProblem } from "../../values/issue.ts";
import { type Folders, isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { COMPONENTS } from "../components.ts";
import { listHostAccess } from "./host-access.ts";
import { checkHostAccess, type ResolvedMount } from "./mounts.ts";

/** Where the credentials are written, and the names of their files. */
export interface CredentialsPlace {
  /** The input that names the directory. */
  readonly input: "credentials-directory" | "torch-clusters";
  readonly directory: string;
  readonly files: readonly string[];
}

const INPUT = "credentials-directory";

/**
 * Whether the credentials would be carried out of their directory. The directory need not exist yet; once it does, it is
 * checked again, for a link may lead elsewhere by then.
 * @param known the mounts of the compose files, if they are resolved already.
 */
export async function checkCredentialsPlace(
  checkout: Checkout,
  { input, directory, files }: CredentialsPlace,
  known?: readonly ResolvedMount[],
): Promise<readonly Problem[]> {
  const contexts = await Promise.all(
    Object.values(COMPONENTS).map(async ({ name, title }) => ({
      title,
      path: (await resolveAhead(checkout.components[name].build.context)).real,
    })),
  );
  const nowhere = { own: [], secret: [], system: [], harmless: [] };
  const mounts = known ?? (await checkHostAccess(listHostAccess(checkout), nowhere)).mounts;
  try {
    const place = await resolveAhead(directory);
    const issues = [
      ...contexts.flatMap((context) => checkBuildContext(place, context)),
      ...mounts.flatMap((mount) => checkMountedPath(place, mount, files)),
    ];
    return issues.map((issue) => toProblem(input, directory, { ...issue, fix: issue.fix ?? FIXES[input] }));
  } catch {
    // A directory that leads nowhere is reported where the inputs' files are read.
    return [];
  }
}

const FIXES = {
  "credentials-directory": "remove credentials-directory, or choose another directory",
  "torch-clusters":
    "remove credentials-directory from the step that made that cluster, or choose another directory there",
} as const;

/** An issue, whose fix may depend on the input alone. */
type PlaceIssue = Omit<Issue, "fix"> & Partial<Pick<Issue, "fix">>;

/** An image that is built from around the directory would contain the private key, perhaps in a layer. */
function checkBuildContext(
  { real }: ResolvedPath,
  { title, path }: { readonly title: string; readonly path: string },
): readonly PlaceIssue[] {
  if (!isWithinFolder(path, real)) return [];
  return [
    {
      reason: `is in the folder that the ${title}'s image is built from, ${path}`,
      allowed: "a directory outside every build context",
    },
  ];
}

/** A container would see the directory, could replace it, or would be given one of its files. */
function checkMountedPath(
  { real, links }: ResolvedPath,
  { place, path }: ResolvedMount,
  files: readonly string[],
): readonly PlaceIssue[] {
  const allowed = "a directory outside every folder that is mounted into a container";
  const mount = `${printable(place)} mounts ${path}`;
  if (isWithinFolder(path, real)) {
    return [{ reason: `is in a folder that a container can see: ${mount}`, allowed }];
  }
  const link = links.find((each) => isWithinFolder(path, each));
  if (link !== undefined) {
    return [{ reason: `leads through the link ${link}, which a container can change: ${mount}`, allowed }];
  }
  if (!files.includes(basename(path)) || relative(real, path) !== basename(path)) return [];
  const fix = "remove that mount from the compose file";
  return [{ reason: `contains what ${printable(place)} mounts: ${path}`, allowed, fix }];
}

/**
 * Checks the credentials' directory again, directly before they are written.
 * @param folder the real path of the folder that is written to, held open.
 * @param torch the checkout that is booted, if there is one.
 * @throws Failure if the directory is where the credentials must not be.
 */
export async function recheckCredentialsPlace(
  directory: string,
  folder: string,
  folders: Folders,
  torch: { readonly checkout: Checkout; readonly files: readonly string[] } | undefined,
): Promise<void> {
  const issue = await checkDirectory(directory, folders);
  const { real } = await resolveAhead(directory);
  const problems = [
    ...(issue === undefined ? [] : [toProblem(INPUT, directory, issue)]),
    ...(torch === undefined
      ? []
      : await checkCredentialsPlace(torch.checkout, { input: INPUT, directory, files: torch.files })),
  ];
  if (problems.length === 0 && real === folder) return;
  const reasons =
    problems.map(describeProblem).join("\n") || `${INPUT}: ${directory} now leads to ${real}, not to ${folder}`;
  throw new Failure(`The credentials were not written: their directory has changed since the start.\n${reasons}`, {
    fix: "find out what changes that folder while the step runs, or remove credentials-directory",
    retryable: false,
  });
}
