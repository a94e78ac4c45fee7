import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Secrets that the job brought along. */
export interface AmbientSecrets {
  /** To be masked in all of the job's log: a proxy's and a registry's passwords. */
  readonly passwords: readonly string[];
  /** Values of variables whose names say that they are secret. The runner masks those that are the job's secrets. */
  readonly values: readonly string[];
}

/** Shorter ones are words of every log. */
const MIN_LENGTH = 8;
const SECRET_VARIABLE = /(?:password|passwd|passphrase|secret|token|(?:api|access|private)_?key)$/i;

/** Reads the secrets in the environment and in Docker's configuration: what a program prints of them is not for a log. */
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

/** The password in an address, as it is written and as it is meant; a name alone is a token. */
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
export function parseDockerConfiguration(text: string): {
  readonly proxies: readonly string[];
  readonly passwords: readonly string[];
} {
  const found: { proxies: string[]; passwords: string[] } = { proxies: [], passwords: [] };
  let configuration: unknown;
  try {
    configuration = JSON.parse(text);
  } catch {
    return found;
  }
  const entriesOf = (value: unknown) => (typeof value === "object" && value !== null ? Object.entries(value) : []);
  for (const [section, content] of entriesOf(configuration)) {
    for (const [, settings] of section === "proxies" || section === "auths" ? entriesOf(content) : []) {
      for (const [name, value] of entriesOf(settings)) {
        if (typeof value !== "string") continue;
        if (/proxy$/i.test(name)) found.proxies.push(value);
        if (/^(?:password|identitytoken|registrytoken)$/i.test(name)) found.passwords.push(value);
        if (name === "auth")
          found.passwords.push(
            value,
            Buffer.from(value, "base64")
              .toString()
              .replace(/^[^:]*:/, ""),
          );
      }
    }
  }
  return found;
}
