import type { Parsed } from "./issue.ts";

/** How pods and nodes resolve names outside the cluster. */
export type DnsMode =
  | { readonly kind: "no-search-domains" }
  | { readonly kind: "inherit" }
  | { readonly kind: "docker-host" }
  | { readonly kind: "resolv-conf"; readonly path: string };

/** One of the three words, or the path of a resolv.conf. */
export function dnsMode(path: (text: string) => Parsed<string>) {
  return (text: string): Parsed<DnsMode> => {
    if (text === "no-search-domains" || text === "inherit" || text === "docker-host") return { value: { kind: text } };
    const parsed = path(text);
    return "value" in parsed ? { value: { kind: "resolv-conf", path: parsed.value } } : parsed;
  };
}
