import { join } from "node:path";
import { describeError, type Problem } from "../../errors.ts";
import { type ResolvedPath, resolveAhead } from "../../values/files.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import type { HostAccess, HostMount } from "./host-access.ts";
import { type HostPlaces, kindOf } from "./host-places.ts";

/** What a mount means: it is refused, or mentioned in the log. The text goes on after the mounted path. */
type Verdict = { readonly refused: string } | { readonly warning: string };

const FOREIGN_GIT = "which is a git repository's folder outside the checkout: it may contain a token";

/** Judges a mount of a resolved path; `undefined`: nothing to say. */
export function judgeMount(path: string, readOnly: boolean, places: HostPlaces): Verdict | undefined {
  const { own, workspace = [], harmless } = places;
  const isOwn = own.some((folder) => isWithinFolder(folder, path));
  const isJobs = isOwn || workspace.some((folder) => isWithinFolder(folder, path));
  if (readOnly && harmless.some((place) => isWithinFolder(place, path))) return undefined;
  const refused = findSecret(path, isJobs, places);
  if (refused !== undefined) return { refused };
  if (isOwn) return undefined;
  if (path.split("/").includes(".git")) return { refused: FOREIGN_GIT };
  if (isJobs) return readOnly ? undefined : { warning: "which is outside the checkout and writable" };
  return judgeOutside(path, readOnly, places);
}

/** The secret place that a mount would show. */
function findSecret(path: string, isJobs: boolean, { secret }: HostPlaces): string | undefined {
  for (const place of secret) {
    if (isWithinFolder(path, place.path) && path !== place.path && place.absent !== true) {
      return `which contains ${place.path}: ${place.what}`;
    }
    // The checkout itself may lie in the temporary folder.
    if (isWithinFolder(place.path, path) && !isJobs) return `which is in ${place.path}: ${place.what}`;
  }
  return undefined;
}

/** Judges a mount from outside the checkout and the workspace: it may be read, but not written to. */
function judgeOutside(path: string, readOnly: boolean, { system }: HostPlaces): Verdict {
  const reason = "which is outside the checkout and the workspace";
  if (readOnly) return { warning: reason };
  if (system.some((place) => isWithinFolder(place, path) || isWithinFolder(path, place))) {
    return { refused: "which contains programs that this machine runs and is writable" };
  }
  return { refused: `${reason} and writable` };
}

/** A mount with the place that it leads to, and the links on the way. */
export interface ResolvedMount extends HostMount {
  readonly path: string;
  readonly links: readonly string[];
}

/** A mount after all checks that need no other mount. */
interface CheckedMount {
  /** `undefined` if it leads nowhere. */
  readonly resolved?: ResolvedMount;
  readonly problem?: Problem;
  readonly warning?: string;
}

/** What is wrong with what compose files ask of this machine, and what the log only mentions. */
export async function checkHostAccess(
  { mounts, powers }: HostAccess,
  places: HostPlaces,
): Promise<{
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly mounts: readonly ResolvedMount[];
}> {
  const checked: CheckedMount[] = [];
  for (const mount of mounts) checked.push(await checkMount(mount, places));
  const accepted = checked.flatMap(({ resolved, problem }) =>
    resolved === undefined || problem !== undefined ? [] : [resolved],
  );
  return {
    problems: [
      ...powers.map(refusePower),
      ...checked.flatMap(({ problem }) => problem ?? []),
      ...(await checkNestedMounts(accepted)),
    ],
    warnings: checked.flatMap(({ warning }) => warning ?? []),
    mounts: checked.flatMap(({ resolved }) => resolved ?? []),
  };
}

function refusePower({ place, power, effect }: HostAccess["powers"][number]): Problem {
  return {
    input: "torch",
    value: place,
    reason: `asks for ${power}, ${effect ?? "which gives its container access to this machine"}`,
    allowed: "containers within Docker's own limits",
    fix: "remove that from the compose file",
  };
}

async function checkMount(mount: HostMount, places: HostPlaces): Promise<CheckedMount> {
  const { place, source, readOnly } = mount;
  let found: ResolvedPath;
  try {
    found = await resolveAhead(source);
  } catch (error) {
    return { problem: refuseMount(mount, printable(describeError(error))) };
  }
  const { real: path, links } = found;
  const resolved = { ...mount, path, links };
  const judged = judgeMount(path, readOnly, places);
  const git = await findForeignGit(path, places);
  // A folder that this user may not look into may hold git's folder too, but what else is known of it comes first.
  const isGit = git === "folder" || (git === "hidden" && !(judged !== undefined && "refused" in judged));
  const verdict = isGit ? { refused: FOREIGN_GIT } : judged;
  const what = `mounts ${printable(source)}${path === source ? "" : ` (${printable(path)})`}`;
  if (verdict === undefined) return { resolved };
  if ("refused" in verdict) return { resolved, problem: refuseMount(mount, `${what}, ${verdict.refused}`) };
  return { resolved, warning: `${printable(place)} ${what}, ${verdict.warning}.` };
}

/** Mounts that another container can lead elsewhere before the next start, by a link in a folder that it can write to. */
async function checkNestedMounts(accepted: readonly ResolvedMount[]): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const mount of accepted) {
    const parent = accepted.find((other) => isChangedBy(mount, other));
    // A file is what honest compose files mount over their own sources; docs/security.md says what remains.
    if (parent === undefined || (await kindOf(mount.path)) === "file") continue;
    problems.push({
      ...refuseMount(
        mount,
        `mounts ${printable(mount.source)}, which lies in a folder that ${printable(parent.place)} can write to, ` +
          `${printable(parent.source)}: at the next start it could be a link to another place`,
      ),
      fix: `mount ${printable(parent.source)} read-only, or put the two folders next to each other`,
    });
  }
  return problems;
}

/** Whether writing to one mount can change where another one leads. A mount's own root cannot be replaced from within it. */
function isChangedBy(mount: ResolvedMount, other: ResolvedMount): boolean {
  if (other.readOnly) return false;
  return [mount.path, ...mount.links].some((path) => path !== other.path && isWithinFolder(other.path, path));
}

async function findForeignGit(
  path: string,
  { own, workspace = [] }: HostPlaces,
): Promise<"folder" | "hidden" | undefined> {
  const foreign = workspace.length > 0 && !own.some((folder) => isWithinFolder(folder, path));
  const git = join(path, ".git");
  // Whoever sees the checkout may see its own.
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
    fix: `copy what the container needs into the checkout${readOnly ? "" : " (or mount it read-only, if it is not a secret)"}, or use a named volume`,
  };
}
