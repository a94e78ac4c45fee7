import { asList, isRecord } from "../../values/data.ts";
import { describeYamlIssue, readYamlText, type YamlIssue } from "../../values/yaml.ts";
import type { ConfigurationReader, Path } from "./reader.ts";

const MAX_BYTES = 100_000;
const ALLOWED = "kubeadm's configuration in YAML, as a block text";

/** The documents of a patch: kind takes several in one text, and drops what follows `---` on its line (splitYAMLDocument). */
export function splitDocuments(patch: string): readonly string[] {
  return patch.split(/\n---[^\n]*(?:\n|$)/);
}

/** One patch as data. Of equal keys the last holds, as it does for kind. @throws where it is not YAML, or a bomb. */
export function readPatch(patch: string): unknown {
  const read = readYamlText(patch, { uniqueKeys: false, maxBytes: MAX_BYTES });
  if ("value" in read) return read.value;
  const [issue] = read.issues;
  throw new Error(issue === undefined ? "is not YAML" : describeYamlIssue(issue));
}

/** The kubeadm patches that a field holds. */
export function patchesOf(value: unknown): readonly string[] {
  return asList(value).filter((item) => typeof item === "string");
}

/** Puts down what is wrong with the patches of the cluster or of a node. kind itself finds it when the nodes are there. */
export function checkPatches(owner: unknown, path: Path, reader: ConfigurationReader): void {
  if (!isRecord(owner)) return;
  for (const [index, patch] of patchesOf(owner.kubeadmConfigPatches).entries()) {
    checkMergePatch(patch, [...path, "kubeadmConfigPatches", index], reader);
  }
  for (const [index, entry] of asList(owner.kubeadmConfigPatchesJSON6902).entries()) {
    if (isRecord(entry)) checkJsonPatch(entry.patch, [...path, "kubeadmConfigPatchesJSON6902", index, "patch"], reader);
  }
}

function checkMergePatch(patch: string, path: Path, reader: ConfigurationReader): void {
  let line = 0;
  for (const document of splitDocuments(patch)) {
    const read = readYamlText(document, { uniqueKeys: false, maxBytes: MAX_BYTES });
    if ("issues" in read) {
      for (const issue of read.issues.slice(0, 1)) {
        const outer = { ...issue, ...toOuter(issue, line, patch, path, reader) };
        reader.wrong(path, {
          reason: `cannot be read: ${describeYamlIssue(outer)}`,
          allowed: ALLOWED,
          fix: "fix the patch",
        });
      }
    } else if (read.value !== null && !isRecord(read.value)) {
      reader.wrong(path, {
        reason: "is not a mapping",
        allowed: ALLOWED,
        fix: "write kind: and the fields that it changes",
      });
    }
    // Its own lines, and the one that parts it from the next.
    line += document.split("\n").length + 1;
  }
}

/** Where in the configuration an issue of a patch stands; in a folded or quoted text, where in the patch. */
function toOuter(
  { line, column }: YamlIssue,
  before: number,
  patch: string,
  path: Path,
  reader: ConfigurationReader,
): Pick<YamlIssue, "line" | "column"> {
  const start = reader.blockStart(path);
  const text = patch.split("\n")[before + line - 1] ?? "";
  const outer = start === undefined ? undefined : reader.lineAt(start + before + line);
  if (start === undefined || outer === undefined || !outer.endsWith(text)) return { line: before + line, column };
  return { line: start + before + line, column: column + outer.length - text.length };
}

/** The labels that a patch has the kubelet set: a mapping until v1beta3 of kubeadm's API, a list since v1beta4. */
export function nodeLabelsIn(patch: unknown): readonly (readonly [string, string])[] {
  const registration = isRecord(patch) && isRecord(patch.nodeRegistration) ? patch.nodeRegistration : {};
  const given = registration.kubeletExtraArgs;
  const texts = isRecord(given)
    ? [given["node-labels"]]
    : asList(given).flatMap((each) => (isRecord(each) && each.name === "node-labels" ? [each.value] : []));
  return texts
    .filter((text) => typeof text === "string")
    .flatMap((text) => text.split(","))
    .filter((label) => label !== "")
    .map((label): readonly [string, string] => {
      const [key = "", ...value] = label.split("=");
      return [key.trim(), value.join("=").trim()];
    });
}

const OPERATIONS = ["add", "remove", "replace", "move", "copy", "test"];

function checkJsonPatch(patch: unknown, path: Path, reader: ConfigurationReader): void {
  const allowed = "a list of RFC 6902 operations, each with op and path";
  const fix = "write - op: add, path: /..., value: ...";
  const read = readYamlText(typeof patch === "string" ? patch : "", { uniqueKeys: false, maxBytes: MAX_BYTES });
  if ("issues" in read) {
    for (const issue of read.issues.slice(0, 1)) {
      const outer = { ...issue, ...toOuter(issue, 0, String(patch), path, reader) };
      reader.wrong(path, { reason: `cannot be read: ${describeYamlIssue(outer)}`, allowed, fix });
    }
    return;
  }
  const isOperation = (each: unknown) =>
    isRecord(each) && OPERATIONS.some((name) => name === each.op) && typeof each.path === "string";
  if (read.value !== null && !(Array.isArray(read.value) && read.value.every(isOperation))) {
    reader.wrong(path, { reason: "is not a list of operations", allowed, fix });
  }
}
