import type { Problem } from "../errors.ts";
import { boolean, wholeNumber } from "../values/choices.ts";
import type { Parsed } from "../values/issue.ts";
import { type RegistryMirror, registryMirror } from "../values/mirrors.ts";
import type { InputReader } from "./reader.ts";

/** The inputs that say how nodes pull images. */
export interface PullInputs {
  readonly registry: boolean;
  readonly registryPort: number | undefined;
  readonly registryMirrors: readonly RegistryMirror[];
  /** The path of a Docker `config.json`. */
  readonly pullCredentials: string | undefined;
}

/** Reads them. A port is without effect where no registry is started. */
export function readPullInputs(reader: InputReader, path: (text: string) => Parsed<string>): PullInputs {
  const before = reader.problems.length;
  const registry = reader.optional("registry", boolean) ?? false;
  const isKnown = reader.problems.length === before;
  const registryPort = reader.optional("registry-port", wholeNumber(1, 65535));
  if (isKnown && !registry && registryPort !== undefined) reader.problems.push(describeUnusedPort(registryPort));
  return {
    registry,
    registryPort,
    registryMirrors: reader.list("registry-mirrors", registryMirror),
    pullCredentials: reader.optional("pull-credentials", path),
  };
}

function describeUnusedPort(port: number): Problem {
  return {
    input: "registry-port and registry",
    value: String(port),
    reason: "has no effect unless registry is true",
    allowed: "registry-port with registry: true",
    fix: "set registry: true, or remove registry-port",
  };
}
