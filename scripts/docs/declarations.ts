import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";

/** An input, output or secret, as action.yml or a reusable workflow declares it. */
export interface Declaration {
  readonly name: string;
  readonly description: string;
  readonly default: string | undefined;
}

/** The inputs below one comment line of action.yml. */
export interface InputGroup {
  readonly name: string;
  readonly inputs: readonly Declaration[];
}

/** Reads the inputs in their order; a comment line (`# Host`, `# Cluster. More about it.`) begins a group. */
export function readInputGroups(actionYml: string): readonly InputGroup[] {
  const groups: { readonly name: string; readonly inputs: Declaration[] }[] = [];
  const inputs = readMap(actionYml, ["inputs"]);
  for (const [index, { key, value }] of inputs.items.entries()) {
    // The YAML library attaches a comment above the first key to the mapping itself.
    const comment = isScalar(key) ? (key.commentBefore ?? (index === 0 ? inputs.commentBefore : undefined)) : undefined;
    const name = groupName(comment);
    if (name !== undefined) groups.push({ name, inputs: [] });
    const group = groups.at(-1);
    if (group === undefined) throw new Error("action.yml: the first input has no comment line that names its group");
    group.inputs.push(readDeclaration(key, value));
  }
  return groups;
}

/** Reads the outputs of action.yml in their order. */
export function readOutputs(actionYml: string): readonly Declaration[] {
  return readDeclarations(actionYml, ["outputs"]);
}

/** Reads what a reusable workflow takes or gives, in its order. */
export function readCall(workflow: string, what: "inputs" | "secrets" | "outputs"): readonly Declaration[] {
  return readDeclarations(workflow, ["on", "workflow_call", what]);
}

function readDeclarations(yaml: string, path: readonly string[]): readonly Declaration[] {
  return readMap(yaml, path).items.map(({ key, value }) => readDeclaration(key, value));
}

function readMap(yaml: string, path: readonly string[]): YAMLMap {
  const node = parseDocument(yaml).getIn(path);
  if (!isMap(node)) throw new Error(`${path.join(".")} is not a mapping`);
  return node;
}

function readDeclaration(key: unknown, value: unknown): Declaration {
  const name = isScalar(key) ? String(key.value) : "";
  const description = isMap(value) ? value.get("description") : undefined;
  if (!isMap(value) || typeof description !== "string") throw new Error(`${name} has no description`);
  const preset = value.get("default");
  return { name, description, default: preset === undefined ? undefined : String(preset) };
}

/** The first words of a comment: ` Host` is Host, ` Internal: what only ...` is Internal. */
function groupName(comment: string | null | undefined): string | undefined {
  const name = /^\s*([^.:\n]+)/.exec(comment ?? "")?.[1]?.trim();
  return name === "" ? undefined : name;
}
