import { isIP } from "node:net";
import type { Parsed } from "./issue.ts";
import { isPrintable } from "./text.ts";

/** An IP address without a zone, which has a meaning on one machine only. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** A host name or an IP address: what a certificate can name. kubeadm accepts only lower case, and no zone. */
export function hostName(text: string): Parsed<string> {
  const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
  const name = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)*(?!\\d+$)${label}$`, "i");
  if (isAddress(text) || (text.length <= 253 && name.test(text))) return { value: text.toLowerCase() };
  return {
    issue: {
      reason: "is neither a host name nor an IP address",
      allowed: "host names such as docker.example and IP addresses",
      fix: "write the bare name or address, without a scheme or a port",
    },
  };
}

/** An IP address to listen on. */
export function ipAddress(text: string): Parsed<string> {
  if (isAddress(text)) return { value: text };
  return {
    issue: {
      reason: "is not an IP address",
      allowed: "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all",
      fix: "write a numeric address",
    },
  };
}

/**
 * Whether every program reads a URL in the same way. The standard's parser drops line breaks and tabs, takes a backslash
 * for a slash, and does not need the slashes; to git `https:host/path` is a path on a machine `https`.
 */
export function isPlainUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\\]/i.test(text) && !/[\s\\]/.test(text) && isPrintable(text);
}

/** The protocols without encryption: anyone on the way can change what arrives. */
const UNPROTECTED: ReadonlySet<string> = new Set(["http:", "git:"]);

/** Whether others can change what comes from a URL on its way; nobody can where it comes from this machine. */
export function isUnprotected(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return UNPROTECTED.has(protocol) && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/** A base URL, without the trailing slash. */
export function baseUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = !/[?#]/.test(text) && url?.username === "" && url.password === "";
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && bare && isPlainUrl(text)) {
    return { value: text.replace(/\/+$/, "") };
  }
  return {
    issue: {
      reason: "is not a base URL",
      allowed: "an http or https URL without a query or a password, such as https://mirror.example/dl",
      fix: "write the URL under which the official paths are found",
    },
  };
}

/** What the diagnosis tries to reach from a pod: a name to resolve, and an address to connect to. */
export interface InternetProbe {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A probe target: a name, and an IPv4 address with a port. */
export function internetProbe(text: string): Parsed<InternetProbe> {
  const match = /^([a-zA-Z0-9.-]{1,253})[\s,]+(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  const [, name = "", address = "", digits = ""] = match ?? [];
  const port = Number(digits);
  if ("value" in hostName(name) && "value" in ipAddress(address) && port >= 1 && port <= 65535) {
    return { value: { name, address, port } };
  }
  return {
    issue: {
      reason: "is not a probe target",
      allowed: "a name and an IPv4 address with a port, such as www.google.com 8.8.8.8:53",
      fix: "write the two with a space between them",
    },
  };
}
