import semver from "semver";
import { array, boolean, fallback, object, safeParse, string, unknown } from "valibot";
import { Failure } from "../../src/errors.ts";
import { tryJson } from "../../src/values/json.ts";
import type { Client } from "./client.ts";

/** A published release of kind, or of another project. */
export interface Release {
  readonly version: string;
  /** The day, `2026-08-26`. */
  readonly released: string;
  /** The notes, in Markdown. */
  readonly body: string;
}

/** GitHub's largest page (REST API, "List releases"). */
const PER_PAGE = 100;

/** Such projects have some dozens of releases: an answer without end is not a list of them. */
const MAX_PAGES = 20;

const FIX = "check GITHUB_API_URL, and that no proxy answers in its place";

/**
 * Reads all releases of a repository, drafts and pre-releases left out.
 * @throws Failure if GitHub does not answer, or answers with something else.
 */
export async function readReleases(
  client: Client,
  { api, token }: { readonly api: string; readonly token: string | undefined },
  repository: string,
): Promise<readonly Release[]> {
  const releases: Release[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const url = `${api}/repos/${repository}/releases?per_page=${PER_PAGE}&page=${page}`;
    const found = parseReleases(await client.readText(url, githubHeaders(token)), url);
    releases.push(...found.releases);
    // An empty page is the end, whatever page size the server allows.
    if (found.count === 0) return releases;
  }
  throw new Failure(`${api} lists more than ${MAX_PAGES} pages of releases of ${repository}.`, { fix: FIX });
}

function githubHeaders(token: string | undefined): Readonly<Record<string, string>> {
  return {
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/**
 * Reads one page of releases. `count` includes those that are left out.
 * @throws Failure if the text is not GitHub's list of releases.
 */
export function parseReleases(
  text: string,
  url: string,
): { readonly count: number; readonly releases: readonly Release[] } {
  const entries = parseList(text, url);
  return { count: entries.length, releases: entries.flatMap((entry) => parseRelease(entry, url) ?? []) };
}

function parseList(text: string, url: string): readonly unknown[] {
  const data = tryJson(unknown(), text);
  if (data === undefined) throw new Failure(`${url} does not answer with JSON.`, { fix: FIX });
  const { success, output } = safeParse(array(unknown()), data);
  if (!success) throw new Failure(`${url} does not answer with a list of releases.`, { fix: FIX });
  return output;
}

/** A release in GitHub's REST API; a draft was not published. */
const releaseSchema = object({
  tag_name: string(),
  draft: boolean(),
  prerelease: boolean(),
  published_at: fallback(string(), ""),
  body: fallback(string(), ""),
});

function parseRelease(entry: unknown, url: string): Release | undefined {
  const { success, output } = safeParse(releaseSchema, entry);
  if (!success) throw new Failure(`${url} lists a release without tag_name, draft and prerelease.`, { fix: FIX });
  const { tag_name: tag, draft, prerelease, published_at: published, body } = output;
  const version = semver.valid(tag);
  if (draft || prerelease || version === null || semver.prerelease(version) !== null) return undefined;
  const released = /^\d{4}-\d\d-\d\d(?=T)/.exec(published)?.[0];
  if (released === undefined)
    throw new Failure(`${url} lists ${tag} without the time of its publication.`, { fix: FIX });
  return { version, released, body };
}
