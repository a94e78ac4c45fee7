import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { unknown } from "valibot";
import { tryJson } from "../values/json.ts";

/** Secrets in the job's environment. */
export interface AmbientSecrets {
  /** To be masked in the whole log of the job: passwords of proxies and registries. */
  readonly passwords: readonly string[];
  /** Values of variables whose names say that they are secret. The runner masks those that are the job's secrets. */
  readonly values: readonly string[];
}

/** Shorter ones are ordinary words of any log. */
const MIN_LENGTH = 8;
const SECRET_VARIABLE = /(?:password|passwd|passphrase|secret|token|(?:api|access|private)_?key)$/i;

/** Reads the secrets in the environment and in Docker's configuration: what a program prints of them must not be in a log. */
export async function readAmbientSecrets(environment: NodeJS.ProcessEnv): Promise<AmbientSecrets> {
  const variables = Object.entries(environment).map(([name, value = ""]) => [name, value] as const);
  const proxies = variables.filter(([name]) => /_proxy$/i.test(name)).map(([, value]) => value);
  const folder = environment.DOCKER_CONFIG ?? join(environment.HOME ?? homedir(), ".docker");
  const configuration = parseDockerConfiguration(await readFile(join(folder, "config.json"), "utf8").catch(() => ""));
  const values = variables.filter(([name]) => SECRET_VARIABLE.test(name)).map(([, value]) => value);
  const keep = (secrets: readonly string[], least = MIN_LENGTH) =>
    [...new Set(secrets)].filter(({ length }) => length >= least);
  return {
    passwords: keep([...[...proxies, ...configuration.proxies].flatMap(passwordsInUrl), ...configuration.passwords], 4),
    values: keep(values),
  };
}

/** The password in an address, as it is written and decoded; a name without a password is a token. */
export function passwordsInUrl(address: string): readonly string[] {
  const userInfo = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)@/i.exec(address)?.[1];
  if (userInfo === undefined) return [];
  const colon = userInfo.indexOf(":");
  const written = userInfo.slice(colon + 1);
  try {
    return [...new Set([written, decodeURIComponent(written)])];
  } catch {
    return [written];
  }
}

/** Proxies and passwords in Docker's `config.json`. */
export interface DockerSecrets {
  readonly proxies: readonly string[];
  readonly passwords: readonly string[];
}

/** Reads them from its text; what is not JSON has none. */
export function parseDockerConfiguration(text: string): DockerSecrets {
  const settings = entriesOf(tryJson(unknown(), text))
    .filter(([section]) => section === "proxies" || section === "auths")
    .flatMap(([, content]) => entriesOf(content))
    .flatMap(([, entry]) => entriesOf(entry))
    .flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : []));
  return {
    proxies: settings.filter(([name]) => /proxy$/i.test(name)).map(([, value]) => value),
    passwords: settings.flatMap(([name, value]) => passwordsInSetting(name, value)),
  };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function passwordsInSetting(name: string, value: string): readonly string[] {
  if (/^(?:password|identitytoken|registrytoken)$/i.test(name)) return [value];
  if (name !== "auth") return [];
  const nameAndPassword = Buffer.from(value, "base64").toString();
  return [value, nameAndPassword.replace(/^[^:]*:/, "")];
}
