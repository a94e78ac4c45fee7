import { strFromU8 } from "fflate";
import { isMap, isSeq, visit } from "yaml";
import { readYamlText } from "../../values/yaml.ts";
import { describeYamlIssue } from "../../values/yaml-issue.ts";
import { YAML_LIMITS } from "../../values/yaml-limits.ts";

/** What a file of YAML holds, or what is wrong with it. */
export type ReadYaml = { readonly value: unknown } | { readonly error: string };

/** Reads a file of YAML. Its size, depth, words and keys are limited, and so is what its aliases expand to. */
export function readYaml(bytes: Uint8Array): ReadYaml {
  if (bytes.length > YAML_LIMITS.bytes) return { error: `is larger than ${YAML_LIMITS.bytes} bytes` };
  // The dashboard's parser takes the last of two equal keys, and so does this. Looking for them takes quadratic time.
  const read = readYamlText(strFromU8(bytes), { uniqueKeys: false });
  if ("issues" in read) {
    const [issue] = read.issues;
    return { error: issue === undefined ? "is not YAML" : describeYamlIssue(issue) };
  }
  let nested = false;
  visit(read.document, {
    Pair: (_, { key }) => {
      if (!isMap(key) && !isSeq(key)) return undefined;
      nested = true;
      return visit.BREAK;
    },
  });
  return nested ? { error: "has a mapping or a list as a key" } : { value: read.value };
}

/** A mapping in a mapping; an empty one if there is none. */
export function childOf(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const child: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof child === "object" && child !== null && !Array.isArray(child) ? { ...child } : {};
}
