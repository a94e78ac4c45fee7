import {
  array,
  exactOptional,
  getDotPath,
  is,
  looseObject,
  nullable,
  number,
  record,
  safeParse,
  string,
  union,
  unknown,
} from "valibot";

/** A compose file as `docker compose config --format json` prints it: what we change has types, the rest is kept as it is. */
export interface ComposeModel {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  readonly [other: string]: unknown;
}

/** A service of a compose file. */
export interface ComposeService {
  readonly image?: string;
  readonly container_name?: string;
  readonly build?: ComposeBuild;
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly ComposePort[];
  readonly volumes?: readonly ComposeVolume[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly extra_hosts?: readonly string[];
  readonly cpu_shares?: number;
  /** `linux/amd64`. */
  readonly platform?: string;
  readonly [other: string]: unknown;
}

/** How a compose file has an image built. */
export interface ComposeBuild {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly target?: string;
  readonly [other: string]: unknown;
}

/** A port of a container, and the one at which it is published on the host. */
export interface ComposePort {
  readonly target: number;
  /** A port or a range (`8000-8010`); compose before 2.2 prints a number. */
  readonly published?: string | number;
  readonly [other: string]: unknown;
}

/** Something that is mounted into a container. */
export interface ComposeVolume {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  readonly [other: string]: unknown;
}

const BUILD = looseObject({
  context: exactOptional(string()),
  dockerfile: exactOptional(string()),
  args: exactOptional(record(string(), nullable(string()))),
  target: exactOptional(string()),
});

const SERVICE = looseObject({
  image: exactOptional(string()),
  container_name: exactOptional(string()),
  build: exactOptional(BUILD),
  network_mode: exactOptional(string()),
  environment: exactOptional(record(string(), nullable(string()))),
  ports: exactOptional(array(looseObject({ target: number(), published: exactOptional(union([string(), number()])) }))),
  volumes: exactOptional(array(looseObject({ type: string(), source: exactOptional(string()), target: string() }))),
  labels: exactOptional(record(string(), string())),
  extra_hosts: exactOptional(array(string())),
  cpu_shares: exactOptional(number()),
  platform: exactOptional(string()),
});

const MODEL = looseObject({
  services: record(string(), SERVICE),
  networks: exactOptional(record(string(), unknown())),
  volumes: exactOptional(record(string(), nullable(looseObject({})))),
});

/**
 * Reads what `docker compose config --format json` prints. The value itself is used, not valibot's copy of it, which has
 * no keys such as `constructor`: all of it is written out again.
 * @throws Error where it is not a compose model.
 */
export function parseModel(text: string): ComposeModel {
  const value: unknown = JSON.parse(text);
  if (is(MODEL, value)) return value;
  const [issue] = safeParse(MODEL, value).issues ?? [];
  throw new Error(
    `docker compose config printed an unknown form (${issue === undefined ? "" : `${getDotPath(issue) ?? "the whole"}: ${issue.message}`})`,
  );
}

/** Compose doubles each dollar in what it prints, so that it can read it again. */
export function unescapeDollars(text: string): string {
  return text.replaceAll("$$", () => "$");
}
