import semver from "semver";
import { Failure } from "../../src/errors.ts";
import type { NodeImage } from "../../src/versions/catalog.ts";
import { OLDEST_KUBERNETES } from "../../src/versions/kubernetes.ts";
import { minorOf } from "../../src/versions/request.ts";
import { quote, type Remark } from "./report.ts";

/** What the notes of one kind release say of its node images. */
export interface Notes {
  /** Newest Kubernetes first. */
  readonly images: readonly NodeImage[];
  readonly remarks: readonly Remark[];
}

/**
 * An image somewhere in the text. Some notes have a space after `sha256:`. With another host or path in front it is
 * another image.
 */
const IMAGE = /(?<![\w./@-])(?:docker\.io\/)?kindest\/node:(\w[\w.-]*)[ \t]*@[ \t]*sha256:[ \t]*([0-9a-f]*)(?!\w)/gi;

/** What stands in front of a listed image: perhaps a list mark, the Kubernetes version as a label, perhaps a colon. */
const LABEL =
  /^[ \t]*(?:[-*+•][ \t]*|\d+[.)][ \t]+)?[*_`]*v?(\d+\.\d+(?:\.\d+(?:-[\w.]+)?)?)[*_`]*[ \t]*:?[*_`]*[ \t]*[`*_"'[(]*/i;

interface Mention {
  /** Empty if none can be read. */
  readonly tag: string;
  /** In hex; shorter than 64 digits if it is cut off. */
  readonly digest: string;
}

/** A line of the list. */
interface Entry extends Mention {
  readonly label: string;
  readonly line: string;
}

/**
 * Reads the node images out of the Markdown of a kind release's notes. Only the list counts, lines such as
 * `- v1.31.9: kindest/node:v1.31.9@sha256:...`: the text around it has named images of other releases and wrong tags.
 * A line whose label does not match its tag, or that another line contradicts, is left out, because nothing in the notes
 * says which is right.
 * @throws Failure if no usable image is listed: then the format of the notes has changed.
 */
export function parseReleaseNotes(version: string, body: string): Notes {
  const { list, prose } = splitNotes(readableText(body));
  const sound = list.filter((entry) => describeFlaw(entry) === undefined);
  const taken = sound.filter((entry) => findContradiction(entry, list) === undefined);
  const findings = [
    ...list.flatMap((entry) => remarkOnEntry(entry, list) ?? []),
    ...prose.flatMap((mention) => remarkOnMention(mention, list, taken) ?? []),
  ];
  const remarks = uniqueBy(findings, ({ text }) => text).map(
    (remark): Remark => ({ ...remark, text: `kind ${version}: ${remark.text}` }),
  );
  const images = uniqueBy(taken, ({ tag }) => tag)
    .map((entry): NodeImage => ({ kubernetes: entry.tag.slice(1), image: showImage(entry) }))
    .filter(({ kubernetes }) => semver.gte(kubernetes, OLDEST_KUBERNETES))
    .toSorted((a, b) => semver.rcompare(a.kubernetes, b.kubernetes));
  if (images.length > 0) return { images, remarks };
  const lines = [
    `The release notes of kind ${version} list no usable node image.`,
    ...remarks.map(({ text }) => `- ${text}`),
  ];
  throw new Failure(lines.join("\n"), {
    fix: "read those notes; if their format has changed, adapt scripts/update-catalog/release-notes.ts to it",
  });
}

const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  colon: ":",
  commat: "@",
};

/** The text as a reader sees it: without comments, and with entities as the characters that they stand for. */
function readableText(body: string): string {
  return (
    body
      .replaceAll(/\r\n?/g, "\n")
      // Whatever is on another line stays there.
      .replaceAll(/<!--[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ""))
      .replaceAll(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]+));/gi, (entity, decimal, hex, name) => {
        if (name !== undefined) return NAMED_ENTITIES[name] ?? entity;
        return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
      })
      .replaceAll("\u00a0", " ")
      // Spaces without width: bots put them after an @, so that it notifies nobody.
      .replaceAll(/[\u200b-\u200d\u2060\ufeff]/g, "")
  );
}

/** Separates the lines of the list from all other mentions of an image. */
function splitNotes(text: string): { readonly list: readonly Entry[]; readonly prose: readonly Mention[] } {
  const list: Entry[] = [];
  const prose: Mention[] = [];
  for (const line of text.split("\n")) {
    const [head = "", label] = LABEL.exec(line) ?? [];
    const rest = line.slice(head.length);
    const [first, ...more] = [...rest.matchAll(IMAGE)];
    if (label !== undefined && first?.index === 0) {
      list.push({ label, line, ...readMention(first) });
      prose.push(...more.map(readMention));
    } else if (label !== undefined && /^\S*(?:node[:@]|sha256:)/i.test(rest)) {
      list.push({ label, line, tag: "", digest: "" });
    } else {
      prose.push(...[...line.matchAll(IMAGE)].map(readMention));
    }
  }
  return { list, prose };
}

function readMention([, tag = "", digest = ""]: RegExpExecArray): Mention {
  return { tag, digest: digest.toLowerCase() };
}

/** What is wrong with a line of the list by itself. */
function describeFlaw({ label, tag, digest }: Entry): string | undefined {
  if (tag === "" || digest.length !== 64) return "does not name an image of kind with its tag and its full digest";
  if (!/^v\d+\.\d+\.\d+$/.test(tag)) return "has a tag that is not a released version of Kubernetes";
  return fits(label, tag) ? undefined : "has a label that is not its tag's version";
}

/** Whether a label, a minor or a full version, is that of a tag. */
function fits(label: string, tag: string): boolean {
  return label === tag.slice(1) || label === minorOf(tag);
}

/**
 * Another line with the same tag or digest that otherwise differs. Flawed lines count too: it is not known which of
 * label, tag and digest is wrong in them.
 */
function findContradiction(entry: Entry, list: readonly Entry[]): Entry | undefined {
  return list.find(({ label, tag, digest }) => {
    const touches = tag === entry.tag || digest === entry.digest;
    const same = tag === entry.tag && digest === entry.digest && fits(label, tag);
    return touches && !same;
  });
}

/** Why a line of the list is left out. */
function remarkOnEntry(entry: Entry, list: readonly Entry[]): Remark | undefined {
  const flaw = describeFlaw(entry);
  if (flaw !== undefined) return { needsReview: true, text: `the line ${quote(entry.line)} ${flaw}: left out` };
  const other = findContradiction(entry, list);
  if (other === undefined) return undefined;
  return {
    needsReview: true,
    text: `the lines ${quote(entry.line)} and ${quote(other.line)} contradict each other: left out`,
  };
}

/** What the text around the list says that the list does not. */
function remarkOnMention(mention: Mention, list: readonly Entry[], taken: readonly Entry[]): Remark | undefined {
  const { tag, digest } = mention;
  // Text may shorten a digest ("sha256:..."), which does not contradict the list.
  if (digest === "" || list.some((entry) => entry.tag === tag && entry.digest.startsWith(digest))) return undefined;
  const listed = taken.find((entry) => entry.digest === digest) ?? taken.find((entry) => entry.tag === tag);
  if (listed === undefined) {
    return {
      needsReview: true,
      text: `the text names ${quote(showImage(mention))}, which the list does not have: left out`,
    };
  }
  return {
    needsReview: false,
    text: `the text names ${quote(showImage(mention))}, the list ${quote(showImage(listed))}: the list is used`,
  };
}

function showImage({ tag, digest }: Mention): string {
  return `kindest/node:${tag}@sha256:${digest}`;
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
