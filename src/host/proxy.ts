/** With this, a program takes no proxy of its environment, for any address (Go's httpproxy, curl and others). */
export const WITHOUT_PROXY: Readonly<Record<string, string>> = { NO_PROXY: "*", no_proxy: "*" };

const VARIABLES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] as const;

/** The proxies that an environment sets, without their users and passwords; a variable's small spelling counts too. */
export function findProxies(environment: NodeJS.ProcessEnv): readonly string[] {
  return VARIABLES.flatMap((name) => {
    const value = environment[name] || environment[name.toLowerCase()] || "";
    return value === "" ? [] : [`${name}=${withoutUser(value)}`];
  });
}

/**
 * A proxy's scheme and address. A password may have any character as it is, so an `@` in the path ends a user's too; one
 * in a query, after a user's own, does not. Where that is not clear, what stands before the last `@` is left out.
 */
function withoutUser(proxy: string): string {
  const [, start = "", user, address = "", path = "", query = ""] =
    /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#]*)@)?([^/?#@]+)(\/[^?#@]*)?([?#].*)?$/is.exec(proxy.trim()) ?? [];
  const clear = !query.includes("@") || (user !== undefined && path !== "");
  if (start !== "" && clear && URL.canParse(proxy.trim())) return `${start}${address}`;
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(proxy.trim()) ?? [];
  const [authority = ""] = rest.slice(rest.lastIndexOf("@") + 1).split(/[/?#]/);
  return `${scheme}${authority}`;
}
