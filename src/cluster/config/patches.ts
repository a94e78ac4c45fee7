import { unknown } from "valibot";
import { asList, isRecord } from "../../values/data.ts";
import type { Issue } from "../../values/issue.ts";
import { tryJson } from "../../values/json.ts";
import { readYamlText } from "../../values/yaml.ts";
import { describeYamlIssue, type YamlIssue } from "../../values/yaml-issue.ts";
import type { Path, Places } from "./places.ts";
import type { ConfigurationReader } from "./reader.ts";

const MAX_BYTES = 100_000;
/** kind reads no longer document of a patch (bufio.MaxScanTokenSize, with the line that separates it from the next). */
const MAX_DOCUMENT_BYTES = 65_000;

/** The documents of a patch: kind splits a text at lines that start with `---`, and drops the rest of such a line (splitYAMLDocument). */
export function splitDocuments(patch: string): readonly string[] {
  return patch.split(/\n---(?:[^\n]*\n|$)/);
}

/** What kind drops without a word: a last document whose last line is `--- ...` without a line break. */
const DROPPED = /\n---[^\n]+$/;

/** A patch, or a document of one. The last of equal keys wins, as in kind. */
function readPatchText(text: string, maxBytes: number) {
  return readYamlText(text, { uniqueKeys: false, maxBytes, forGo: true });
}

/** A patch as data. @throws where it is not YAML, or expands too far. */
export function readPatch(patch: string): unknown {
  const read = readPatchText(patch, MAX_BYTES);
  if ("value" in read) return read.value;
  const [issue] = read.issues;
  throw new Error(issue === undefined ? "is not YAML" : describeYamlIssue(issue));
}

/** The document that a merge patch changes: Go's JSON reads these two keys in any case. */
export function targetOf(patch: Readonly<Record<string, unknown>>) {
  const read = (name: string) => Object.entries(patch).findLast(([key]) => key.toLowerCase() === name)?.[1];
  return { kind: read("kind"), apiVersion: read("apiversion") };
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
  const allowed = "a list of RFC 6902 operations in JSON, each with op and path, and from where it moves or copies";
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
    const read = readPatchText(document, MAX_DOCUMENT_BYTES);
    if ("issues" in read) {
      const reason = describeUnreadable(read.issues, { patch, path, linesBefore }, reader.places);
      reader.addProblem(path, { reason, allowed, fix: "fix the patch" });
    } else {
      const issue = checkDocument(document, read.value);
      if (issue !== undefined) reader.addProblem(path, { ...issue, allowed });
    }
    // Its own lines, and the one that separates it from the next.
    linesBefore += document.split("\n").length + 1;
  }
}

/** What kind cannot use of a document that is YAML. */
function checkDocument(document: string, value: unknown): Omit<Issue, "allowed"> | undefined {
  if (DROPPED.test(document)) {
    return { reason: "ends with --- and more on its last line, so that kind drops it", fix: "remove that line" };
  }
  if (value === null) return undefined;
  if (!isRecord(value)) return { reason: "is not a mapping", fix: "write kind and the fields to change" };
  const { kind, apiVersion } = targetOf(value);
  const isName = (name: unknown) => typeof name !== "object" || name === null;
  if (isName(kind) && isName(apiVersion)) return undefined;
  return {
    reason: "has a kind or apiVersion that is a list or a mapping",
    fix: "write kind: and apiVersion: as strings",
  };
}

const OPERATIONS: readonly unknown[] = ["add", "remove", "replace", "move", "copy", "test"];

function checkJsonPatch(patch: unknown, path: Path, reader: ConfigurationReader): void {
  const allowed = "a list of RFC 6902 operations, each with op and path, and from where it moves or copies";
  const fix = "write - op: add, path: /..., value: ...";
  const read = readPatchText(typeof patch === "string" ? patch : "", MAX_BYTES);
  if ("issues" in read) {
    const reason = describeUnreadable(read.issues, { patch: String(patch), path, linesBefore: 0 }, reader.places);
    reader.addProblem(path, { reason, allowed, fix });
    return;
  }
  if (!areOperations(read.value)) {
    reader.addProblem(path, { reason: "is not a list of operations", allowed, fix });
  }
}

/** Whether a value is a list of operations (RFC 6902, 4); nothing is an empty one. */
function areOperations(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.every(isOperation));
}

function isOperation(value: unknown): boolean {
  if (!isRecord(value) || !OPERATIONS.includes(value.op) || !isPointer(value.path)) return false;
  return (value.op !== "move" && value.op !== "copy") || isPointer(value.from);
}

function isPointer(value: unknown): boolean {
  return typeof value === "string" && /^(?:\/|$)/.test(value);
}

/** Why a patch cannot be read: its first issue, with the place in the configuration. */
function describeUnreadable([issue]: readonly YamlIssue[], text: PatchText, places: Places): string {
  if (issue === undefined) return "cannot be read";
  return `cannot be read: ${describeYamlIssue({ ...issue, ...positionInFile(issue, text, places) })}`;
}

/** The position of an issue in the configuration; in a folded or quoted text, its position in the patch. */
function positionInFile({ line, column }: YamlIssue, { patch, path, linesBefore }: PatchText, places: Places) {
  const texts = patch.split("\n");
  const last = texts.findLastIndex((text) => text !== "");
  // What is missing at the end is said of the last line.
  const isBehind = linesBefore + line - 1 > last;
  const index = isBehind ? last : linesBefore + line - 1;
  const text = texts[index] ?? "";
  const inPatch = { line: index + 1, column: isBehind ? text.length + 1 : column };
  const start = places.blockStart(path);
  const outer = start === undefined ? undefined : places.lineAt(start + inPatch.line);
  if (start === undefined || outer === undefined || !outer.endsWith(text)) return inPatch;
  return { line: start + inPatch.line, column: inPatch.column + outer.length - text.length };
}
