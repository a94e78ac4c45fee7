import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** What a token lets its bearer do in a scope, which is a branch. */
export interface Scope {
  readonly scope: string;
  readonly write: boolean;
}

/** The runner's token: a JWT whose `ac` lists the scopes, 1 for reading and 3 for both; its `scp` is for the artifacts. */
export function signToken(scopes: readonly Scope[], secret: string): string {
  const now = Math.floor(Date.now() / 1000);
  const ac = JSON.stringify(scopes.map(({ scope, write }) => ({ Scope: scope, Permission: write ? 3 : 1 })));
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { ac, scp: "Actions.Results:run:job", nbf: now - 60, exp: now + 3600, jti: randomUUID() },
  ];
  const payload = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${payload}.${createHmac("sha256", secret).update(payload).digest("base64url")}`;
}

/** @returns the scopes that a header's token has, `undefined` if it was not signed with this secret. */
export function readToken(header: string, secret: string): readonly Scope[] | undefined {
  const [, payload = "", signature = ""] = /^Bearer ([\w-]+\.[\w-]+)\.([\w-]+)$/.exec(header) ?? [];
  const given = Buffer.from(signature, "base64url");
  const expected = createHmac("sha256", secret).update(payload).digest();
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims: unknown = JSON.parse(Buffer.from(payload.split(".")[1] ?? "", "base64url").toString());
  const listed: unknown = JSON.parse(
    typeof claims === "object" && claims !== null && "ac" in claims ? String(claims.ac) : "[]",
  );
  const scopes = Array.isArray(listed) ? listed : [];
  return scopes.map((each) => ({ scope: String(each.Scope), write: Number(each.Permission) === 3 }));
}
