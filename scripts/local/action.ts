import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { object, optional, parse, record, string } from "valibot";
import { parse as parseYaml } from "yaml";

/** What is read of an input's declaration in action.yml. */
const action = object({ inputs: record(string(), object({ default: optional(string(), "") })) });

async function readInputs() {
  const text = await readFile(join(import.meta.dirname, "../../action.yml"), "utf8");
  return parse(action, parseYaml(text)).inputs;
}

/** The names of the inputs that action.yml declares. */
export async function readInputNames(): Promise<readonly string[]> {
  return Object.keys(await readInputs());
}

/** The inputs that action.yml declares with their defaults; `expressions` has what the runner would make of `${{ ... }}`. */
export async function readDefaults(expressions: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const evaluate = (value: string) =>
    value.startsWith("${{") ? (expressions[value.replace(/^\$\{\{\s*|\s*\}\}$/g, "")] ?? "") : value;
  return Object.fromEntries(
    Object.entries(await readInputs()).map(([name, input]) => [name, evaluate(input.default)] as const),
  );
}
