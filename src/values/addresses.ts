import { isIP } from "node:net";
import type { Parsed } from "./issue.ts";
import { isPrintable } from "./text.ts";

/** An IP address without a zone, which means something on one machine only. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** A host name or an IP address: what a certificate can name. kubeadm takes lower case alone, and no zone. */
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
      fix: "write an address in digits",
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
