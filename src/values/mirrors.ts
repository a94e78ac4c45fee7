import { baseUrl } from "./addresses.ts";
import type { Parsed } from "./issue.ts";

/** A mirror of a registry: where the nodes look for that registry's images first. */
export interface RegistryMirror {
  /** As image references name the registry, such as `docker.io` or `registry.example:5000`. */
  readonly registry: string;
  readonly url: string;
}

const LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
const REGISTRY = new RegExp(`^(?:localhost|${LABEL}(?:\\.${LABEL})+|${LABEL}(?=:))(?::\\d{1,5})?$`);

/** Docker Hub's other names: image references never have them by the time that containerd looks for a mirror. */
const DOCKER_HUB = /^(?:index|registry-1)\.docker\.io$/;

/** A registry and a mirror of it: `docker.io=https://mirror.example`. */
export function registryMirror(text: string): Parsed<RegistryMirror> {
  const [, registry = "", address = ""] = /^([^=\s]+)\s*=\s*(\S+)$/.exec(text) ?? [];
  const url = baseUrl(address);
  if (REGISTRY.test(registry) && registry.length <= 255 && !DOCKER_HUB.test(registry) && "value" in url) {
    return { value: { registry, url: url.value } };
  }
  return {
    issue: {
      reason: "is not a registry with the URL of its mirror",
      allowed:
        "the registry as image references name it (Docker Hub is docker.io), an equals sign, and an http or https URL without a query or a password",
      fix: "write it like docker.io=https://mirror.example; credentials go into pull-credentials",
    },
  };
}
