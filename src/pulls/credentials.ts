import { isRecord } from "../values/data.ts";
import type { Parsed } from "../values/issue.ts";

/** Credentials for registries, as the kubelets take them. */
export interface PullCredentials {
  /** The registries that there are credentials for. */
  readonly registries: readonly string[];
  /** Docker's `config.json` with these credentials and nothing else; a secret. */
  readonly text: string;
}

const ALLOWED = 'a Docker config.json with {"auths": {"registry.example": {"auth": "..."}}}';

/**
 * Reads a Docker `config.json` as a kubelet does (its pkg/credentialprovider/config.go): only what is in `auths` counts, and
 * of an entry a name with a password. Nothing of it is ever part of a message.
 */
export function parsePullCredentials(text: string): Parsed<PullCredentials> {
  const auths = readAuths(text);
  if (auths === undefined) {
    return { issue: { reason: "is not Docker's configuration", allowed: ALLOWED, fix: "name a Docker config.json" } };
  }
  const entries = Object.entries(auths).flatMap(([registry, entry]) => {
    const auth = readAuth(entry);
    return auth === undefined || registry === "" ? [] : [[registry, { auth }] as const];
  });
  if (entries.length > 0) {
    const registries = entries.map(([registry]) => registry);
    return { value: { registries, text: JSON.stringify({ auths: Object.fromEntries(entries) }) } };
  }
  return {
    issue: {
      reason: "has no name with a password for any registry",
      allowed: ALLOWED,
      fix: "log in where Docker has no credential helper (credsStore and credHelpers keep passwords elsewhere), or write the file from the job's secrets",
    },
  };
}

function readAuths(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(text);
    const auths = isRecord(read) ? read.auths : undefined;
    return isRecord(auths) ? auths : undefined;
  } catch {
    // The parser's message has a piece of the text.
    return undefined;
  }
}

/** `name:password` in base64; `undefined` where an entry has no such pair. */
function readAuth(entry: unknown): string | undefined {
  if (!isRecord(entry)) return undefined;
  const { auth, username, password } = entry;
  if (typeof auth === "string" && auth !== "") {
    const decoded = Buffer.from(auth, "base64").toString();
    return /^[^:]+:./s.test(decoded) ? auth : undefined;
  }
  if (typeof username !== "string" || typeof password !== "string" || username === "" || password === "") {
    return undefined;
  }
  return Buffer.from(`${username}:${password}`).toString("base64");
}
