import semver from "semver";
import { Failure } from "../../src/errors.ts";
import type { NodeImage } from "../../src/versions/catalog.ts";
import { minorOf } from "../../src/versions/request.ts";
import { quote, type Remark } from "./report.ts";

/** What the notes of one kind release say of its node images. */
export interface Notes {
  /** Newest Kubernetes first. */
  readonly images: readonly NodeImage[];
  readonly remarks: readonly Remark[];
}

/** The oldest Kubernetes that the catalog has. */
const OLDEST_KUBERNETES = "1.22.0";

/**
 * An image somewhere in the text. Notes were seen with a space after `sha256:`. What has another host or path in front
 * is another image.
 */
const IMAGE = /(?<![\w./@-])(?:docker\.io\/)?kindest\/node:(\w[\w.-]*)[ \t]*@[ \t]*sha256:[ \t]*([0-9a-f]*)(?!\w)/gi;

/** What stands in front of a listed image: perhaps a list mark, the Kubernetes version as a label, perhaps a colon. */
const LABEL =
  /^[ \t]*(?:[-*+•][ \t]*|\d+[.)][ \t]+)?[*_`]*v?(\d+\.\d+(?:\.\d+(?:-[\w.]+)?)?)[*_`]*[ \t]*:?[*_`]*[ \t]*[`*_"'[(]*/i;

interface Mention {
  /** Empty where there is none that can be read. */
  readonly tag: string;
  /** In hex; shorter than 64 digits where the text breaks off. */
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
 * A line whose label does not fit its tag, or that another line contradicts, is left out, for nothing in the notes says
 * what would be right.
 * @throws Failure where no usable image is listed: then the form of the notes has changed.
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
    fix: "read those notes: where their form has changed, scripts/update-catalog/release-notes.ts has to learn the new one",
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
      // What was on another line stays on another line.
      .replaceAll(/<!--[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ""))
      .replaceAll(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]+));/gi, (entity, decimal, hex, name) => {
        if (name !== undefined) return NAMED_ENTITIES[name] ?? entity;
        return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
      })
      .replaceAll("\u00a0", " ")
      // Spaces without width: bots put them behind an @, so that nobody is called.
      .replaceAll(/[\u200b-\u200d\u2060\ufeff]/g, "")
  );
}

/** Parts the lines of the list from all other mentions of an image. */
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
  if (tag === "" || digest.length !== 64) return "names no image of kind's with its tag and its full digest";
  if (!/^v\d+\.\d+\.\d+$/.test(tag)) return "has a tag that is no released version of Kubernetes";
  return fits(label, tag) ? undefined : "has a label that is not its tag's version";
}

/** Whether a label, a minor or a full version, is that of a tag. */
function fits(label: string, tag: string): boolean {
  return label === tag.slice(1) || label === minorOf(tag);
}

/**
 * Another line with the same tag or digest that does not say the same. Lines that are flawed count too: which of label,
 * tag and digest is their wrong one, nobody knows.
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
  if (flaw !== undefined) return { open: true, text: `the line ${quote(entry.line)} ${flaw}: left out` };
  const other = findContradiction(entry, list);
  if (other === undefined) return undefined;
  return {
    open: true,
    text: `the lines ${quote(entry.line)} and ${quote(other.line)} contradict each other: left out`,
  };
}

/** What the text around the list says that the list does not. */
function remarkOnMention(mention: Mention, list: readonly Entry[], taken: readonly Entry[]): Remark | undefined {
  const { tag, digest } = mention;
  // Text may break a digest off ("sha256:..."), which says nothing else than the list.
  if (digest === "" || list.some((entry) => entry.tag === tag && entry.digest.startsWith(digest))) return undefined;
  const listed = taken.find((entry) => entry.digest === digest) ?? taken.find((entry) => entry.tag === tag);
  if (listed === undefined) {
    return { open: true, text: `the text names ${quote(showImage(mention))}, which the list does not have: left out` };
  }
  return {
    open: false,
    text: `the text names ${quote(showImage(mention))}, the list ${quote(showImage(listed))}: the list holds`,
  };
}

function showImage({ tag, digest }: Mention): string {
  return `kindest/node:${tag}@sha256:${digest}`;
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
