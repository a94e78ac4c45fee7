import { unknown } from "valibot";
import { asList, isRecord } from "../../values/data.ts";
import { tryJson } from "../../values/json.ts";
import { readYamlText } from "../../values/yaml.ts";
import { describeYamlIssue, type YamlIssue } from "../../values/yaml-issue.ts";
import type { Path, Places } from "./places.ts";
import type { ConfigurationReader } from "./reader.ts";

const MAX_BYTES = 100_000;

/** The documents of a patch: kind splits a text at lines that start with `---`, and drops the rest of such a line (splitYAMLDocument). */
export function splitDocuments(patch: string): readonly string[] {
  return patch.split(/\n---[^\n]*(?:\n|$)/);
}

/** A patch as data. The last of equal keys wins, as in kind. @throws where it is not YAML, or expands too far. */
export function readPatch(patch: string): unknown {
  const read = readYamlText(patch, { uniqueKeys: false, maxBytes: MAX_BYTES, forGo: true });
  if ("value" in read) return read.value;
  const [issue] = read.issues;
  throw new Error(issue === undefined ? "is not YAML" : describeYamlIssue(issue));
}

/** The kubeadm patches that a field holds. */
export function patchesOf(value: unknown): readonly string[] {
  return asList(value).filter((item) => typeof item === "string");
}

/** The node labels that a patch gives the kubelet: as a mapping up to v1beta3 of kubeadm's API, as a list from v1beta4. */
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

/** A patch in the text of the configuration. */
interface PatchText {
  readonly patch: string;
  readonly path: Path;
  /** How many lines of the patch come before the document that is read. */
  readonly linesBefore: number;
}

/** Checks the patches of the cluster or of a node. kind itself reports these problems only when the nodes exist. */
export function checkPatches(owner: unknown, path: Path, reader: ConfigurationReader): void {
  if (!isRecord(owner)) return;
  for (const [index, patch] of patchesOf(owner.kubeadmConfigPatches).entries()) {
    checkMergePatch(patch, [...path, "kubeadmConfigPatches", index], reader);
  }
  for (const [index, entry] of asList(owner.kubeadmConfigPatchesJSON6902).entries()) {
    if (isRecord(entry)) checkJsonPatch(entry.patch, [...path, "kubeadmConfigPatchesJSON6902", index, "patch"], reader);
  }
}

/** Checks containerd's patches in JSON. Those in TOML are left to kind. */
export function checkContainerdPatches(document: Readonly<Record<string, unknown>>, reader: ConfigurationReader): void {
  const allowed = "a list of RFC 6902 operations in JSON, each with op and path";
  const fix = 'write [{"op": "add", "path": "/...", "value": ...}]';
  for (const [index, patch] of patchesOf(document.containerdConfigPatchesJSON6902).entries()) {
    const path = ["containerdConfigPatchesJSON6902", index];
    const value = tryJson(unknown(), patch);
    if (value === undefined) reader.addProblem(path, { reason: "is not JSON", allowed, fix });
    else if (!areOperations(value)) reader.addProblem(path, { reason: "is not a list of operations", allowed, fix });
  }
}

function checkMergePatch(patch: string, path: Path, reader: ConfigurationReader): void {
  const allowed = "kubeadm's configuration in YAML, as a block";
  let linesBefore = 0;
  for (const document of splitDocuments(patch)) {
    const read = readYamlText(document, { uniqueKeys: false, maxBytes: MAX_BYTES, forGo: true });
    if ("issues" in read) {
      const reason = describeUnreadable(read.issues, { patch, path, linesBefore }, reader.places);
      reader.addProblem(path, { reason, allowed, fix: "fix the patch" });
    } else if (read.value !== null && !isRecord(read.value)) {
      const fix = "write kind and the fields to change";
      reader.addProblem(path, { reason: "is not a mapping", allowed, fix });
    }
    // Its own lines, and the one that separates it from the next.
    linesBefore += document.split("\n").length + 1;
  }
}

const OPERATIONS: readonly unknown[] = ["add", "remove", "replace", "move", "copy", "test"];

function checkJsonPatch(patch: unknown, path: Path, reader: ConfigurationReader): void {
  const allowed = "a list of RFC 6902 operations, each with op and path";
  const fix = "write - op: add, path: /..., value: ...";
  const read = readYamlText(typeof patch === "string" ? patch : "", {
    uniqueKeys: false,
    maxBytes: MAX_BYTES,
    forGo: true,
  });
  if ("issues" in read) {
    const reason = describeUnreadable(read.issues, { patch: String(patch), path, linesBefore: 0 }, reader.places);
    reader.addProblem(path, { reason, allowed, fix });
    return;
  }
  if (!areOperations(read.value)) {
    reader.addProblem(path, { reason: "is not a list of operations", allowed, fix });
  }
}

/** Whether a value is a list of operations; nothing is an empty one. */
function areOperations(value: unknown): boolean {
  const isOperation = (each: unknown) =>
    isRecord(each) && OPERATIONS.includes(each.op) && typeof each.path === "string";
  return value === null || (Array.isArray(value) && value.every(isOperation));
}

/** Why a patch cannot be read: its first issue, with the place in the configuration. */
function describeUnreadable([issue]: readonly YamlIssue[], text: PatchText, places: Places): string {
  if (issue === undefined) return "cannot be read";
  return `cannot be read: ${describeYamlIssue({ ...issue, ...positionInFile(issue, text, places) })}`;
}

/** The position of an issue in the configuration; in a folded or quoted text, its position in the patch. */
function positionInFile({ line, column }: YamlIssue, { patch, path, linesBefore }: PatchText, places: Places) {
  const start = places.blockStart(path);
  const text = patch.split("\n")[linesBefore + line - 1] ?? "";
  const outer = start === undefined ? undefined : places.lineAt(start + linesBefore + line);
  if (start === undefined || outer === undefined || !outer.endsWith(text)) return { line: linesBefore + line, column };
  return { line: start + linesBefore + line, column: column + outer.length - text.length };
}
