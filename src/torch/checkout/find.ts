import { stat } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { describeError, errorCode, type Problem } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { realPathInside } from "../../values/files.ts";
import { type Issue, toProblem } from "../../values/issue.ts";
import { isWithinFolder } from "../../values/paths.ts";
import type { Layout } from "./layout.ts";

/** What a checkout is read with, and all that is found to be wrong with it. */
export interface CheckoutReading {
  readonly root: string;
  readonly layout: Layout;
  /** The text of `.gitmodules`; empty if there is none. */
  readonly submodules: string;
  readonly exec: Exec;
  readonly environment: NodeJS.ProcessEnv;
  readonly problems: Problem[];
}

/** Something that a checkout should have. */
export interface Wanted {
  /** The input that leads to it. */
  readonly input: string;
  readonly kind: "file" | "folder";
  /** Relative to the checkout's root, or absolute as compose makes paths. */
  readonly path: string;
  /** What it is for, as messages say it. */
  readonly what: string;
}

/** Looks for something in a checkout. @returns its absolute path; `undefined` if something is wrong, which is noted. */
export async function find(reading: CheckoutReading, wanted: Wanted): Promise<string | undefined> {
  const { root } = reading;
  const { input, path } = wanted;
  const place = resolve(root, path);
  const issue = await checkPlace(place, reading, wanted);
  if (issue === undefined) return place;
  // A person wrote the path from the checkout's root.
  const value = isAbsolute(path) && isWithinFolder(root, path) ? relative(root, path) : path;
  reading.problems.push(toProblem(input, value, issue));
  return undefined;
}

async function checkPlace(
  place: string,
  { root, submodules }: CheckoutReading,
  { kind, what }: Wanted,
): Promise<Issue | undefined> {
  const allowed = `a ${kind} in the checkout (${what})`;
  try {
    const [real, found] = await Promise.all([realPathInside(place, [root]), stat(place)]);
    if (real === undefined) {
      return { reason: `leads out of the checkout ${root}`, allowed, fix: `name a ${kind} in the checkout` };
    }
    if (kind === "file" ? found.isFile() : found.isDirectory()) return undefined;
    return { reason: `is not a ${kind}: ${place}`, allowed, fix: `name a ${kind}` };
  } catch (error) {
    const fix =
      "check torch, torch-ref and torch-example; if the layout has changed, set the inputs torch-*-folder and torch-bpmn-plans";
    if (errorCode(error) !== "ENOENT") return { reason: `cannot be read: ${describeError(error)}`, allowed, fix };
    const submodule = findSubmodule(place, root, submodules);
    if (submodule === undefined) return { reason: `does not exist: looked for ${place}`, allowed, fix };
    return {
      reason: `does not exist: .gitmodules has ${submodule} as a submodule, which was not fetched`,
      allowed,
      fix: "check out the repository with submodules: true in an earlier step, and set torch to its folder",
    };
  }
}

/** The submodule that a place would be in. */
function findSubmodule(place: string, root: string, submodules: string): string | undefined {
  const paths = [...submodules.matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)].flatMap(([, path]) => path ?? []);
  return paths.find((path) => isWithinFolder(resolve(root, path), place));
}
