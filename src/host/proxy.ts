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

/** What stands before the last `@` is a user's, whatever its form. */
function withoutUser(proxy: string): string {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(proxy.trim()) ?? [];
  const [authority = ""] = rest.slice(rest.lastIndexOf("@") + 1).split(/[/?#]/);
  return `${scheme}${authority}`;
}
