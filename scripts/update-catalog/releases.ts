import semver from "semver";
import { Failure } from "../../src/errors.ts";
import type { Client } from "./client.ts";

/** A published release of kind. */
export interface Release {
  readonly version: string;
  /** The day, `2026-08-26`. */
  readonly released: string;
  /** The notes, in Markdown. */
  readonly body: string;
}

/** GitHub's largest page (REST API, "List releases"). */
const PER_PAGE = 100;

/** kind has some dozens of releases: an answer that never ends is no list of them. */
const MOST_PAGES = 20;

/**
 * Reads all of kind's releases, drafts and pre-releases left out.
 * @throws Failure where GitHub does not answer, or with something else.
 */
export async function readReleases(
  client: Client,
  api: string,
  token: string | undefined,
): Promise<readonly Release[]> {
  const releases: Release[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const url = `${api}/repos/kubernetes-sigs/kind/releases?per_page=${PER_PAGE}&page=${page}`;
    const found = parseReleases(await client.readText(url, githubHeaders(token)), url);
    releases.push(...found.releases);
    // An empty page is the end whatever size of a page the server allows.
    if (found.count === 0) return releases;
  }
  throw new Failure(`${api} lists more than ${MOST_PAGES} pages of kind's releases.`);
}

function githubHeaders(token: string | undefined): Readonly<Record<string, string>> {
  return {
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/**
 * Reads one page of releases. `count` is that of all on the page.
 * @throws Failure where the text is not GitHub's list of releases.
 */
export function parseReleases(
  text: string,
  url: string,
): { readonly count: number; readonly releases: readonly Release[] } {
  const entries = parseList(text, url);
  return { count: entries.length, releases: entries.flatMap((entry) => parseRelease(entry, url) ?? []) };
}

function parseList(text: string, url: string): readonly unknown[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Failure(`${url} does not answer with JSON.`);
  }
  if (!Array.isArray(data)) throw new Failure(`${url} does not answer with a list of releases.`);
  return data;
}

function parseRelease(entry: unknown, url: string): Release | undefined {
  const release: Readonly<Record<string, unknown>> =
    typeof entry === "object" && entry !== null ? Object.fromEntries(Object.entries(entry)) : {};
  const { tag_name: tag, draft, prerelease, published_at: published, body } = release;
  if (typeof tag !== "string" || typeof draft !== "boolean" || typeof prerelease !== "boolean") {
    throw new Failure(`${url} lists a release without tag_name, draft and prerelease.`);
  }
  const version = semver.valid(tag);
  if (draft || prerelease || version === null || semver.prerelease(version) !== null) return undefined;
  const released = typeof published === "string" ? /^\d{4}-\d\d-\d\d(?=T)/.exec(published)?.[0] : undefined;
  if (released === undefined) throw new Failure(`${url} lists ${tag} without the time of its publication.`);
  return { version, released, body: typeof body === "string" ? body : "" };
}
