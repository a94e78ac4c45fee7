import { isPlainUrl, isUnprotected } from "../values/addresses.ts";
import type { Parsed } from "../values/issue.ts";

/** Where TORCH-V2's sources come from. */
export type TorchSource =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "git"; readonly url: string };

const PROTOCOLS: readonly string[] = ["https:", "http:", "ssh:", "git:"];

const ALLOWED = "a folder in the workspace, or the URL of a git repository (https, http, ssh, git, or git@host:path)";

/** A folder, or a git repository: by its URL, or as scp writes it. */
export function torchSource(path: (text: string) => Parsed<string>) {
  return (text: string): Parsed<TorchSource> => {
    if (/^[\w.-]+@[\w.-]+:[\w~/.-]+$/.test(text)) return { value: { kind: "git", url: text } };
    if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return repositoryUrl(text);
    const parsed = path(text);
    return "value" in parsed ? { value: { kind: "folder", path: parsed.value } } : parsed;
  };
}

function repositoryUrl(text: string): Parsed<TorchSource> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // First, so that a password in a URL that is wrong in another way is not shown either.
  if (url !== undefined && mayHoldSecret(url, text)) {
    return {
      issue: {
        reason: "contains a user name, a password or a query, which the log would show",
        allowed: ALLOWED,
        fix: "check out the repository in an earlier step, and set torch to its folder",
        secret: true,
      },
    };
  }
  if (url === undefined || !PROTOCOLS.includes(url.protocol) || url.hostname === "") {
    return {
      issue: {
        reason: "is not a source that can be fetched",
        allowed: ALLOWED,
        fix: "write an https URL or the path of a folder",
      },
    };
  }
  if (!isPlainUrl(text)) {
    return {
      issue: {
        reason: "contains a space, a line break or a backslash, or lacks the slashes after its protocol",
        allowed: ALLOWED,
        fix: "write the URL on one line, such as https://gitlab.example/group/torch_v2.git",
      },
    };
  }
  return { value: { kind: "git", url: text } };
}

/** Whether there may be a secret in a URL, which would be shown in the log; ssh needs a user name. */
function mayHoldSecret(url: URL, text: string): boolean {
  const hasUser = url.password !== "" || (url.username !== "" && url.protocol !== "ssh:");
  const readsOtherwise = !isPlainUrl(text) && text.includes("@");
  return hasUser || readsOtherwise || url.search !== "" || url.hash !== "";
}

/** A warning about a source that others on the way can change. */
export function warnAboutSource(source: TorchSource): readonly string[] {
  if (source.kind === "folder" || !isUnprotected(source.url)) return [];
  return [
    `TORCH-V2 is fetched from ${source.url} without encryption: anyone on the network path can change what is built and run here, next to the cluster's credentials. Fix: use an https or ssh URL.`,
  ];
}

/** A git reference; nothing that passes can be an option or a refspec of git's. */
export function gitReference(text: string): Parsed<string> {
  if (/^[\w][\w./+-]{0,249}$/.test(text) && !text.includes("..")) return { value: text };
  return {
    issue: {
      reason: "is not a branch, tag or commit",
      allowed: "letters, digits and _ . / + -, beginning with a letter or digit",
      fix: "write a branch such as main, a tag, or a commit's full hash",
    },
  };
}
