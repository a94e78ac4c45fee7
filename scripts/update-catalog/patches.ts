import { Failure } from "../../src/errors.ts";
import { OFFICIAL } from "../../src/tools/sources.ts";
import { minorOf } from "../../src/versions/request.ts";
import type { Client } from "./client.ts";

/**
 * Looks up the newest kubectl of a minor where Kubernetes publishes it (https://kubernetes.io/releases/download/), so that
 * a minor in `kubectl-version` has its newest patch in the catalog, with or without a node image of it.
 * @param base replaces the download host.
 * @returns undefined if the host names none.
 * @throws Failure if the answer is not a version of that minor.
 */
export async function findNewestPatch(
  client: Client,
  minor: string,
  base: string | undefined,
): Promise<string | undefined> {
  const url = `${base ?? OFFICIAL.kubectl}/stable-${minor}.txt`;
  const text = await client.findText(url);
  if (text === undefined) return undefined;
  const version = parsePatch(text, minor);
  if (version !== undefined) return version;
  throw new Failure(`${url} does not name a version of ${minor}.`, {
    fix: "open that address on this machine: a proxy or a sign-in page may answer in its place",
  });
}

/** The version in a file such as `v1.30.14`. */
export function parsePatch(text: string, minor: string): string | undefined {
  const version = /^v(\d{1,4}\.\d{1,4}\.\d{1,4})\s*$/.exec(text)?.[1];
  return version !== undefined && minorOf(version) === minor ? version : undefined;
}
