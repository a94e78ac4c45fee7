import { isAbsolute, normalize } from "node:path";
import type { Problem } from "../errors.ts";
import { oneOf, wholeNumber } from "../values/choices.ts";
import { duration } from "../values/durations.ts";
import type { Parsed } from "../values/issue.ts";
import { UNPRINTABLE_PATH } from "../values/paths.ts";
import { isPrintable } from "../values/text.ts";
import type { InputReader } from "./reader.ts";
import { gitReference, type TorchSource, torchSource } from "./torch-source.ts";

/** The parts of the checkout's layout that inputs set in place of the guide's; paths in the checkout. */
export interface LayoutInputs {
  readonly folders: {
    readonly dashboard: string | undefined;
    readonly engine: string | undefined;
    readonly services: string | undefined;
  };
  /** The folder with the compose files and the BPMN plans. */
  readonly exampleFolder: string | undefined;
  /** The zip of BPMN plans. */
  readonly plans: string | undefined;
}

/** The inputs of TORCH-V2's boot. */
export interface TorchInputs {
  readonly source: TorchSource;
  /** Branch, tag or commit of a git source; `undefined` is the repository's default branch. */
  readonly ref: string | undefined;
  readonly example: string;
  readonly endpoint: "internal" | "external";
  readonly waitSeconds: number;
  /** How many connectors the broker must discover; `undefined`: as many as it looks for. */
  readonly connectors: number | undefined;
  /** As it was written: a path in the workspace, else in the checkout. */
  readonly csar: string | undefined;
  /** Further clusters of the boot: the credentials directories of the steps that made them. */
  readonly clusters: readonly string[];
  readonly layout: LayoutInputs;
  /** The folder in the service layer's container that it reads the credential files from. */
  readonly credentialsMount: string;
  /** The folder in which the caches of the dashboard's packages are kept; `undefined`: they are not. */
  readonly packageCache: string | undefined;
}

/** The folder from which the connector reads the files unless the template names another. */
export const CREDENTIALS_MOUNT = "/usr/app/service-binding/instantiate-k8s-cluster-manual/src/main/resources";

/** Reads the inputs of the boot; `undefined` where none is asked for. */
export function readTorchInputs(reader: InputReader, path: (text: string) => Parsed<string>): TorchInputs | undefined {
  const source = reader.optional("torch", torchSource(path));
  const explicit = readExplicit(reader, path);
  const torch: Omit<TorchInputs, "source"> = {
    ref: explicit["torch-ref"],
    example: reader.optional("torch-example", exampleName) ?? "simple-server-and-georef",
    endpoint: reader.optional("torch-endpoint", oneOf(["internal", "external"])) ?? "internal",
    waitSeconds: reader.optional("torch-wait", duration({ min: "10s", max: "6h" })) ?? 15 * 60,
    connectors: explicit["torch-connectors"],
    csar: explicit["torch-csar"],
    clusters: explicit["torch-clusters"] ?? [],
    layout: {
      folders: {
        dashboard: explicit["torch-dashboard-folder"],
        engine: explicit["torch-engine-folder"],
        services: explicit["torch-services-folder"],
      },
      exampleFolder: explicit["torch-example-folder"],
      plans: explicit["torch-bpmn-plans"],
    },
    credentialsMount: explicit["torch-credentials-mount"] ?? CREDENTIALS_MOUNT,
    packageCache: explicit["torch-package-cache"],
  };
  if (source === undefined) {
    // Where torch is set but wrong, that problem is reported already.
    if (reader.text("torch") === "") reader.problems.push(...checkWithoutTorch(explicit));
    return undefined;
  }
  reader.problems.push(...checkReference(source, torch.ref));
  return { source, ...torch };
}

/** The inputs without a default: setting one of them without `torch` is a mistake. */
function readExplicit(reader: InputReader, path: (text: string) => Parsed<string>) {
  return {
    "torch-ref": reader.optional("torch-ref", gitReference),
    "torch-connectors": reader.optional("torch-connectors", wholeNumber(0, 100)),
    "torch-csar": reader.optional("torch-csar", asWritten(path)),
    "torch-clusters": unlessEmpty(reader.list("torch-clusters", path)),
    "torch-dashboard-folder": reader.optional("torch-dashboard-folder", checkoutPath),
    "torch-engine-folder": reader.optional("torch-engine-folder", checkoutPath),
    "torch-services-folder": reader.optional("torch-services-folder", checkoutPath),
    "torch-example-folder": reader.optional("torch-example-folder", checkoutPath),
    "torch-bpmn-plans": reader.optional("torch-bpmn-plans", checkoutPath),
    "torch-credentials-mount": reader.optional("torch-credentials-mount", containerPath),
    "torch-package-cache": reader.optional("torch-package-cache", path),
  };
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Inputs of the boot where no boot is asked for. */
function checkWithoutTorch(
  explicit: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): readonly Problem[] {
  return Object.entries(explicit).flatMap(([input, value]) =>
    value === undefined
      ? []
      : [
          {
            input: `${input} and torch`,
            value: typeof value === "object" ? value.join(", ") : String(value),
            reason: "has no effect unless torch is set",
            allowed: `${input} with torch`,
            fix: "set torch (to . if the workspace is the checkout), or remove the other input",
          },
        ],
  );
}

/** A git reference for a folder, which is not fetched. */
function checkReference(source: TorchSource, ref: string | undefined): readonly Problem[] {
  if (source.kind !== "folder" || ref === undefined) return [];
  return [
    {
      input: "torch-ref and torch",
      value: ref,
      reason: "has no effect when torch is a folder",
      allowed: "torch-ref with the URL of a git repository",
      fix: "check out that reference in an earlier step, or set torch to a URL",
    },
  ];
}

/** A parser that checks a text and leaves it as it is. */
function asWritten(parse: (text: string) => Parsed<string>) {
  return (text: string): Parsed<string> => {
    const parsed = parse(text);
    return "value" in parsed ? { value: text } : parsed;
  };
}

function exampleName(text: string): Parsed<string> {
  if (/^[\w][\w.-]{0,99}$/.test(text)) return { value: text };
  return {
    issue: {
      reason: "cannot be an example's name",
      allowed: "the name of a folder in the checkout's examples folder",
      fix: "write a name such as simple-server-and-georef; torch-example-folder takes a path",
    },
  };
}

/** A path in the checkout, whose root is known only later. */
function checkoutPath(text: string): Parsed<string> {
  if (!isPrintable(text)) return { issue: UNPRINTABLE_PATH };
  const path = dropSlash(normalize(text));
  if (!isAbsolute(path) && path !== ".." && !path.startsWith("../")) return { value: path };
  return {
    issue: {
      reason: "leads out of the checkout",
      allowed: "a path in TORCH-V2's checkout, relative to its root",
      fix: "write a path inside the checkout, relative to its root",
    },
  };
}

/** A folder in a container; compose takes a colon or a comma as its own. */
function containerPath(text: string): Parsed<string> {
  const path = dropSlash(normalize(text));
  if (/^\/[^:,\s$]+$/.test(path) && isPrintable(path)) return { value: path };
  return {
    issue: {
      reason: "is not a folder in a container",
      allowed: "an absolute path without spaces, colons, commas and dollar signs",
      fix: `write a path such as ${CREDENTIALS_MOUNT}`,
    },
  };
}

function dropSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}
