import { isIP } from "node:net";
import { isAbsolute, relative, resolve } from "node:path";
import type { Problem } from "../failure.ts";

/** What is wrong with a value: the part of a `Problem` that does not depend on the input's name. */
export interface Complaint {
  readonly reason: string;
  readonly allowed: string;
  readonly fix: string;
  /** Whether the value is not to be shown. */
  readonly conceals?: true;
}

/** A parsed value, or a complaint about it. */
export type Parsed<T> = { readonly value: T } | { readonly complaint: Complaint };

/** What begins a line, rings a bell, or writes backwards: nothing that belongs into a name, a path or an address. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Whether a text is one line that is shown as it is. */
export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) === -1;
}

/** A text of others in a message: one line, each character of another kind as its code, and not endless. */
export function printable(text: string, maxCharacters = 200): string {
  const shown = text.length > maxCharacters ? `${text.slice(0, maxCharacters - 3)}...` : text;
  return shown.replace(UNPRINTABLE, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Reads a duration as Go writes them (`90s`, `1h30m`, `0`) into seconds. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let nanoseconds = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    nanoseconds += Math.round(Number(amount) * (NANOSECONDS[unit] ?? Number.NaN));
  }
  return Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : undefined;
}

/** A duration between two bounds, in seconds. */
export function duration(bounds: { readonly min: string; readonly max: string }) {
  const min = parseDuration(bounds.min) ?? 0;
  const max = parseDuration(bounds.max) ?? Number.POSITIVE_INFINITY;
  const allowed = `a duration from ${bounds.min} to ${bounds.max}, written as Go does (90s, 5m, 1h30m)`;
  return (text: string): Parsed<number> => {
    const seconds = parseDuration(text);
    if (seconds === undefined) {
      return { complaint: { reason: "is not a duration", allowed, fix: "write a number with its unit, such as 5m" } };
    }
    if (seconds < min || seconds > max) {
      return {
        complaint: { reason: "is out of range", allowed, fix: `choose one from ${bounds.min} to ${bounds.max}` },
      };
    }
    return { value: seconds };
  };
}

/** A whole number between two bounds. */
export function wholeNumber(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return (text: string): Parsed<number> => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      return { complaint: { reason: "is not a number in the range", allowed, fix: `write ${allowed}, digits only` } };
    }
    return { value };
  };
}

/** `true` or `false`, in YAML 1.2's spellings, as the runner's toolkit reads them. */
export function boolean(text: string): Parsed<boolean> {
  if (["true", "True", "TRUE"].includes(text)) return { value: true };
  if (["false", "False", "FALSE"].includes(text)) return { value: false };
  return { complaint: { reason: "is not a boolean", allowed: "true or false", fix: "write true or false" } };
}

/** One of a few words. */
export function oneOf<const T extends string>(choices: readonly T[]) {
  return (text: string): Parsed<T> => {
    const value = choices.find((choice) => choice === text);
    if (value !== undefined) return { value };
    const allowed = choices.join(", ");
    return { complaint: { reason: "is not one of the choices", allowed, fix: `write one of ${allowed}` } };
  };
}

/**
 * A cluster's name: kind's rule (validNameRE in its pkg/internal/apis/config/validate.go), without the names of which
 * Docker or Kubernetes refuse the nodes' names (`-a`, `a..b`).
 */
export function clusterName(text: string): Parsed<string> {
  const isName = /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9]))*$/.test(text) && !text.includes("-.");
  if (text.length <= 63 && isName) return { value: text };
  return {
    complaint: {
      reason: "cannot be a cluster's name",
      allowed: "1 to 63 lower-case letters, digits, hyphens and dots, with a letter or digit first and around each dot",
      fix: "choose a name such as bologna",
    },
  };
}

/** A name that is a certificate's common name, a file's name and a Kubernetes user at once. */
export function userName(text: string): Parsed<string> {
  if (text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(text))
    return { value: text };
  return {
    complaint: {
      reason: "cannot be a user's name",
      allowed:
        "1 to 63 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends and around each dot",
      fix: "choose a name such as torch",
    },
  };
}

/** A host name or an IP address: what a certificate can name. kubeadm takes lower case alone, and no zone. */
export function hostName(text: string): Parsed<string> {
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  const name = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)*(?!\\d+$)${label}$`, "i");
  if (isAddress(text) || (text.length <= 253 && name.test(text))) return { value: text.toLowerCase() };
  return {
    complaint: {
      reason: "is neither a host name nor an IP address",
      allowed: "host names such as docker.example and IP addresses",
      fix: "write the bare name or address, without a scheme or a port",
    },
  };
}

/** An IP address without a zone, which means something on one machine only. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** An IP address to listen on. */
export function ipAddress(text: string): Parsed<string> {
  if (isAddress(text)) return { value: text };
  return {
    complaint: {
      reason: "is not an IP address",
      allowed: "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all",
      fix: "write an address in digits",
    },
  };
}

/** A container image's reference with a tag or a digest. */
export function imageReference(text: string): Parsed<string> {
  // The grammar of github.com/distribution/reference: nothing in it can be an option of docker's.
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  const host = `${label}(?:\\.${label})*(?::\\d+)?`;
  const reference = new RegExp(
    `^(?:${host}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
  );
  if (text.length < 512 && reference.test(text) && /:[^/]+$/.test(text)) return { value: text };
  return {
    complaint: {
      reason: "is not a full image reference",
      allowed: "name:tag, name@sha256:digest or both, such as kindest/node:v1.31.9@sha256:...",
      fix: "write the image with its tag, best with its digest",
    },
  };
}

/** A base URL, without the trailing slash. */
export function baseUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = !/[?#]/.test(text) && url?.username === "" && url.password === "";
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && bare && isPlainUrl(text)) {
    return { value: text.replace(/\/+$/, "") };
  }
  return {
    complaint: {
      reason: "is not a base URL",
      allowed: "an http or https URL without a query or a password, such as https://mirror.example/dl",
      fix: "write the URL under which the official paths are found",
    },
  };
}

/**
 * Whether every program reads a URL alike. The standard's parser drops line breaks and tabs, takes a backslash for a
 * slash and does without the slashes; to git `https:host/path` is a path on a machine `https`.
 */
export function isPlainUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\\]/i.test(text) && !/[\s\\]/.test(text) && isPrintable(text);
}

/** The protocols on which anyone on the way can change what arrives. */
const UNPROTECTED: ReadonlySet<string> = new Set(["http:", "git:"]);

/** Whether what comes from a URL can be changed on its way; on this machine there is no way. */
export function isUnprotected(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return UNPROTECTED.has(protocol) && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Whether a path is a folder or lies below it; both absolute. `..data` is a name, `..` is the way out. */
export function isWithinFolder(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}

/** What is wrong with a path that is not one line of text. */
export const UNPRINTABLE_PATH: Complaint = {
  reason: "has a line break or a control character in it",
  allowed: "a path of one line",
  fix: "rename the file or the folder, or write the path on one line",
};

/** A path in one of the roots (relative ones start at the first), as an absolute path. */
export function pathWithin(roots: readonly string[]) {
  return (text: string): Parsed<string> => {
    const path = resolve(roots[0] ?? "/", text);
    if (!isPrintable(text)) return { complaint: UNPRINTABLE_PATH };
    if (roots.some((root) => isWithinFolder(root, path))) return { value: path };
    return {
      complaint: {
        reason: "leads out of the workspace",
        allowed: "a path in the workspace or in the runner's temporary folder",
        fix: "write a path relative to the workspace, without ..",
      },
    };
  };
}

/** A name that an artifact may have (the artifact service's own rule). */
export function artifactName(text: string): Parsed<string> {
  if (text.length <= 200 && !/["<>|*?\r\n\\/:]/.test(text) && isPrintable(text)) return { value: text };
  return {
    complaint: {
      reason: "cannot be an artifact's name",
      allowed: 'up to 200 characters, none of " : < > | * ? \\ / or a line break',
      fix: "choose a plainer name",
    },
  };
}

/** The items of a list written with commas or on lines. */
export function splitList(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** A complaint about one input's value, as a problem. */
export function complain(input: string, value: string, { conceals, ...complaint }: Complaint): Problem {
  return { input, value: conceals === true ? "***" : value, ...complaint };
}
