import { isAbsolute, normalize } from "node:path";
import type { Problem } from "../errors.ts";
import type { ComponentName } from "../torch/components.ts";
import { isPlainUrl, isUnprotected } from "../values/addresses.ts";
import { oneOf, wholeNumber } from "../values/choices.ts";
import { duration } from "../values/durations.ts";
import type { Parsed } from "../values/issue.ts";
import { UNPRINTABLE_PATH } from "../values/paths.ts";
import { isPrintable } from "../values/text.ts";

/** Where TORCH-V2's sources come from. */
export type TorchSource =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "git"; readonly url: string };

/** What of the checkout's layout an input tells, in place of the guide's; paths in the checkout. */
export interface LayoutInputs {
  readonly folders: Readonly<Record<ComponentName, string | undefined>>;
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
  readonly layout: LayoutInputs;
  /** The folder in the service layer's container that it reads the credential files from. */
  readonly credentialsMount: string;
}

/** The folder from which the connector reads the files where the template tells it no other. */
export const CREDENTIALS_MOUNT = "/usr/app/service-binding/instantiate-k8s-cluster-manual/src/main/resources";

/** Reads one input: `undefined` where it is unset or wrong, and what is wrong with it is noted elsewhere. */
type ReadOptional = <T>(name: string, parse: (text: string) => Parsed<T>) => T | undefined;

/** Reads the inputs of the boot; `torch` is `undefined` where none is asked for. */
export function readTorchInputs(
  text: (name: string) => string,
  optional: ReadOptional,
  path: (text: string) => Parsed<string>,
): { readonly torch: TorchInputs | undefined; readonly problems: readonly Problem[] } {
  const source = optional("torch", torchSource(path));
  const told = {
    "torch-ref": optional("torch-ref", gitReference),
    "torch-connectors": optional("torch-connectors", wholeNumber(0, 100)),
    "torch-csar": optional("torch-csar", (text) => ("value" in path(text) ? { value: text } : path(text))),
    "torch-dashboard-folder": optional("torch-dashboard-folder", checkoutPath),
    "torch-engine-folder": optional("torch-engine-folder", checkoutPath),
    "torch-services-folder": optional("torch-services-folder", checkoutPath),
    "torch-example-folder": optional("torch-example-folder", checkoutPath),
    "torch-bpmn-plans": optional("torch-bpmn-plans", checkoutPath),
    "torch-credentials-mount": optional("torch-credentials-mount", containerPath),
  };
  const torch: Omit<TorchInputs, "source"> = {
    ref: told["torch-ref"],
    example: optional("torch-example", exampleName) ?? "simple-server-and-georef",
    endpoint: optional("torch-endpoint", oneOf(["internal", "external"])) ?? "internal",
    waitSeconds: optional("torch-wait", duration({ min: "10s", max: "6h" })) ?? 15 * 60,
    connectors: told["torch-connectors"],
    csar: told["torch-csar"],
    layout: {
      folders: {
        dashboard: told["torch-dashboard-folder"],
        engine: told["torch-engine-folder"],
        services: told["torch-services-folder"],
      },
      exampleFolder: told["torch-example-folder"],
      plans: told["torch-bpmn-plans"],
    },
    credentialsMount: told["torch-credentials-mount"] ?? CREDENTIALS_MOUNT,
  };
  if (source === undefined) {
    // One that is set and wrong has been complained about already.
    const pointless = text("torch") === "" ? Object.entries(told).filter(([, value]) => value !== undefined) : [];
    return {
      torch: undefined,
      problems: pointless.map(([input, value]) => ({
        input: `${input} and torch`,
        value: String(value ?? ""),
        reason: "has no effect unless torch is set",
        allowed: `${input} with torch`,
        fix: "set torch, to . for the checked-out repository, or leave the other out",
      })),
    };
  }
  if (source.kind === "folder" && torch.ref !== undefined) {
    return {
      torch: { source, ...torch },
      problems: [
        {
          input: "torch-ref and torch",
          value: torch.ref,
          reason: "names a reference of a git repository, and torch is a folder",
          allowed: "torch-ref with the URL of a git repository",
          fix: "check the reference out in an earlier step, or give torch a URL",
        },
      ],
    };
  }
  return { torch: { source, ...torch }, problems: [] };
}

/** A folder, or the URL of a git repository; a URL with a password in it would end up in the log. */
function torchSource(path: (text: string) => Parsed<string>) {
  return (text: string): Parsed<TorchSource> => {
    const allowed =
      "a folder in the workspace, or the URL of a git repository (https, http, ssh, git, or git@host:path)";
    if (/^[\w.-]+@[\w.-]+:[\w~/.-]+$/.test(text)) return { value: { kind: "git", url: text } };
    if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) {
      const parsed = path(text);
      return "value" in parsed ? { value: { kind: "folder", path: parsed.value } } : parsed;
    }
    const url = URL.canParse(text) ? new URL(text) : undefined;
    // First, so that a password in a URL that is wrong in another way is not shown either.
    if (
      url !== undefined &&
      (url.search !== "" ||
        url.hash !== "" ||
        url.password !== "" ||
        (url.username !== "" && url.protocol !== "ssh:") ||
        (!isPlainUrl(text) && /@/.test(text)))
    ) {
      return {
        issue: {
          reason: "has a user name, a password or a query in it, which would be shown in the log",
          allowed,
          fix: "check the repository out in an earlier step, and give its folder",
          secret: true,
        },
      };
    }
    if (url === undefined || !["https:", "http:", "ssh:", "git:"].includes(url.protocol) || url.hostname === "") {
      return { issue: { reason: "is not a source that can be fetched", allowed, fix: "write an https URL" } };
    }
    if (!isPlainUrl(text)) {
      return {
        issue: {
          reason: "has a space, a line break or a backslash in it, or lacks the slashes after its protocol",
          allowed,
          fix: "write the URL on one line, such as https://gitlab.example/group/torch_v2.git",
        },
      };
    }
    return { value: { kind: "git", url: text } };
  };
}

/** What to say of where TORCH-V2 comes from; nothing where nobody on the way can change it. */
export function warnAboutSource(source: TorchSource): readonly string[] {
  if (source.kind === "folder" || !isUnprotected(source.url)) return [];
  return [
    `TORCH-V2 is fetched from ${source.url} without encryption: anyone on the way can change what is built and run here, beside the cluster's credentials. Use an https or ssh URL.`,
  ];
}

function gitReference(text: string): Parsed<string> {
  // Nothing here can be an option or a refspec of git's.
  if (/^[\w][\w./+-]{0,249}$/.test(text) && !text.includes("..")) return { value: text };
  return {
    issue: {
      reason: "is no branch, tag or commit",
      allowed: "letters, digits and _ . / + -, beginning with a letter or digit",
      fix: "write a branch such as main, a tag, or a commit's full hash",
    },
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
      fix: "write the path relative to the root, without ..",
    },
  };
}

/** A folder in a container; compose takes a colon or a comma for its own. */
function containerPath(text: string): Parsed<string> {
  const path = dropSlash(normalize(text));
  if (/^\/[^:,\s$]+$/.test(path) && isPrintable(path)) return { value: path };
  return {
    issue: {
      reason: "is no folder in a container",
      allowed: "an absolute path without spaces, colons, commas and dollars",
      fix: `write a path such as ${CREDENTIALS_MOUNT}`,
    },
  };
}

function dropSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}
