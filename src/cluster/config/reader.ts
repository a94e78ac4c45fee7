import { isSeq } from "yaml";
import type { Problem } from "../../errors.ts";
import type { Issue } from "../../values/issue.ts";
import { nearestName } from "../../values/spelling.ts";
import type { YamlText } from "../../values/yaml.ts";
import { type Entry, readEntries, resolveAliases } from "./entries.ts";
import { keyOf, type Path, Places } from "./places.ts";
import { type FieldType, isNull, KEY, parseScalar } from "./scalars.ts";

/** The input that brings a kind configuration, as problems name it. */
export const CONFIGURATION_INPUT = "kind-config";

/** Further problems are only counted: nobody reads more than these. */
const MAX_PROBLEMS = 20;

/** Reads a configuration by the types of its fields, and collects its problems with the place of each. */
export class ConfigurationReader {
  readonly places: Places;
  readonly #yaml: YamlText;
  readonly #source: string;
  readonly #resolve: (node: unknown) => unknown;
  /** The fields that have a problem, and all that contain them. */
  readonly #wrong = new Set<string>();
  readonly #problems: Problem[] = [];
  /** How many problems are not listed. */
  #further = 0;

  constructor(yaml: YamlText, source: string) {
    this.#yaml = yaml;
    this.#source = source;
    this.places = new Places(yaml);
    this.#resolve = resolveAliases(yaml.document);
  }

  /** The document as its type describes it; empty fields are left out, like Go's zero values. */
  read(type: FieldType): unknown {
    return this.#read(this.#yaml.document.contents, type, []);
  }

  /** Adds a problem with a field. */
  addProblem(path: Path, issue: Issue): void {
    for (let length = path.length; length >= 0; length -= 1) this.#wrong.add(keyOf(path.slice(0, length)));
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(this.problemAt(path, issue));
    else this.#further += 1;
  }

  /** Whether a field, or a part of it, has a problem. */
  hasProblem(path: Path): boolean {
    return this.#wrong.has(keyOf(path));
  }

  /** The problems found so far: as many as a person reads, and the number of the others. */
  get problems(): readonly Problem[] {
    if (this.#further === 0) return this.#problems;
    const more = {
      input: CONFIGURATION_INPUT,
      value: this.#source,
      reason: `has ${this.#further} more problem${this.#further === 1 ? "" : "s"}`,
      allowed: "a configuration that kind accepts",
      fix: "fix the problems above first: the next run names the others",
    };
    return [...this.#problems, more];
  }

  /** An issue of a field as a problem, with its place and what the user wrote there. */
  problemAt(path: Path, { reason, allowed, fix }: Issue): Problem {
    const written = this.places.textAt(path);
    return {
      input: CONFIGURATION_INPUT,
      value: this.#source,
      reason: `${this.places.placeOf(path)} ${reason}${written === "" ? "" : `: ${written}`}`,
      allowed,
      fix,
    };
  }

  #read(node: unknown, type: FieldType, path: Path): unknown {
    const value = this.#resolve(node);
    if (value !== null && value !== undefined) this.places.set(path, value);
    if (isNull(value) && path.length > 0 && !needsEntry(type, path)) return undefined;
    switch (type.type) {
      case "object":
        return this.#readObject(value, type.fields, path);
      case "map":
        return this.#readMap(value, type, path);
      case "list":
        return this.#readList(value, type.item, path);
      default:
        return this.#readScalar(value, type, path);
    }
  }

  #readObject(node: unknown, fields: Readonly<Record<string, FieldType>>, path: Path): unknown {
    const found: [string, unknown][] = [];
    for (const [key, value] of this.#entries(node, path)) {
      const place = [...path, key];
      const type = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (type === undefined) {
        this.places.set(place, value.key);
        this.addProblem(place, describeUnknownField(key, Object.keys(fields)));
        continue;
      }
      const read = this.#read(value.node, type, place);
      if (read !== undefined) found.push([key, read]);
    }
    return Object.fromEntries(found);
  }

  #readMap(node: unknown, type: FieldType & { readonly type: "map" }, path: Path): unknown {
    const found: [string, unknown][] = [];
    for (const [key, value] of this.#entries(node, path)) {
      const place = [...path, key];
      // An entry without a value is there, with Go's zero value.
      const read = this.#read(value.node, type.value, place) ?? (type.value.type === "boolean" ? false : "");
      const issue = type.check?.(key, read);
      if (issue !== undefined) this.addProblem(place, issue);
      found.push([key, read]);
    }
    return Object.fromEntries(found);
  }

  #readList(node: unknown, item: FieldType, path: Path): unknown {
    if (isSeq(node)) return node.items.map((each, index) => this.#readItem(each, item, [...path, index]));
    const fix = "write each item on a line of its own, after a hyphen";
    this.addProblem(path, { reason: "is not a list", allowed: "a list", fix });
    return undefined;
  }

  #readItem(node: unknown, type: FieldType, path: Path): unknown {
    if (type.type !== "text" || !isNull(this.#resolve(node))) return this.#read(node, type, path);
    this.places.set(path, this.#resolve(node));
    this.addProblem(path, { reason: "is empty, and kind ignores it", allowed: "a string", fix: "remove the hyphen" });
    return undefined;
  }

  #readScalar(node: unknown, type: FieldType, path: Path): unknown {
    const parsed = parseScalar(node, type);
    if ("value" in parsed) return parsed.value;
    this.addProblem(path, parsed.issue);
    return undefined;
  }

  #entries(node: unknown, path: Path): ReadonlyMap<string, Entry> {
    const { entries, notMappings, notKeys } = readEntries(node, this.#resolve);
    for (const each of notMappings.slice(0, 1)) {
      const place = each === node ? path : [...path, "<<"];
      // What is merged has no place of its own.
      if (each !== node) this.places.set(place, each);
      const fix = "write its fields below it";
      this.addProblem(place, { reason: "is not a mapping", allowed: "fields and values", fix });
    }
    for (const each of notKeys.slice(0, 1)) {
      const place = [...path, "key"];
      this.places.set(place, each);
      const empty = { reason: "is empty", allowed: "a string", fix: "write a key before the colon" };
      const parsed = isNull(each) ? { issue: empty } : parseScalar(each, KEY);
      if ("issue" in parsed) this.addProblem(place, parsed.issue);
    }
    return entries;
  }
}

function describeUnknownField(key: string, names: readonly string[]): Issue {
  const near = key.length > 60 ? undefined : nearestName(key, names);
  return {
    reason: `is not a field that kind knows here${near === undefined ? "" : ` (did you mean ${near}?)`}`,
    allowed: names.join(", "),
    fix: `write ${near ?? "one of these"}`,
  };
}

/** An empty list item is still an item: kind would make an empty node, mount or port of it. */
function needsEntry(type: FieldType, path: Path): boolean {
  return typeof path.at(-1) === "number" && type.type !== "text";
}
