import { CLUSTER, type Shape } from "./fields.ts";
import type { Choices } from "./random.ts";
import { Raw, type Scalars } from "./scalars.ts";
import { changeText, writeYaml } from "./yaml.ts";

/** How often a value is not one that is right there. */
interface Rates {
  readonly near: number;
  /** How often a value is of another kind, a field has another name, or an entry is empty. */
  readonly wrong: number;
}

/** Most sets have no mistake or one: of several, the first that is found hides what the others would show. */
const RATES: readonly Rates[] = [
  { near: 0, wrong: 0 },
  { near: 0.05, wrong: 0 },
  { near: 0.05, wrong: 0.02 },
  { near: 0.3, wrong: 0.05 },
];

/** A kind configuration in YAML: valid, nearly valid, or hostile. */
export function makeConfiguration(choices: Choices): string {
  const value = makeValue(CLUSTER, choices, choices.pick(RATES));
  const text = writeYaml(value, choices);
  return choices.chance(0.35) ? changeText(text, choices) : text;
}

const STRANGE: readonly unknown[] = [
  null,
  {},
  [],
  "",
  0,
  true,
  [[]],
  [{}],
  { a: {} },
  "text",
  new Raw("*none"),
  new Raw("&a b"),
];

function makeValue(shape: Shape, choices: Choices, rates: Rates): unknown {
  if (choices.chance(rates.wrong)) return choices.pick(STRANGE);
  switch (shape.kind) {
    case "scalar":
      return chooseScalar(shape.values, choices, rates);
    case "map":
      return makeMap(shape, choices, rates);
    case "list":
      return Array.from({ length: choices.below(shape.most + 1) }, () => makeValue(shape.item, choices, rates));
    case "object":
      return makeObject(shape, choices, rates);
  }
}

function chooseScalar({ right, near }: Scalars, choices: Choices, rates: Rates): unknown {
  return choices.pick(choices.chance(rates.near) ? near : right);
}

function makeMap({ keys, values }: Shape & { readonly kind: "map" }, choices: Choices, rates: Rates): unknown {
  const count = choices.below(3);
  return new Map(
    Array.from({ length: count }, () => [chooseScalar(keys, choices, rates), chooseScalar(values, choices, rates)]),
  );
}

function makeObject(
  { fields, always = [] }: Shape & { readonly kind: "object" },
  choices: Choices,
  rates: Rates,
): ReadonlyMap<unknown, unknown> {
  const names = Object.keys(fields);
  const optional = names.filter((name) => !always.includes(name));
  const chosen = [...always, ...choices.some(optional, choices.below(Math.min(4, optional.length) + 1))];
  const entries = chosen
    .filter(() => !choices.chance(rates.wrong))
    .map((name): [unknown, unknown] => {
      const shape = fields[name];
      const value = shape === undefined ? null : makeValue(shape, choices, rates);
      return [choices.chance(rates.wrong) ? misspell(name, choices) : name, value];
    });
  return new Map(entries);
}

function misspell(name: string, choices: Choices): unknown {
  const upper = name[0]?.toUpperCase() ?? "";
  return choices.pick([
    name.slice(1),
    `${name}s`,
    upper + name.slice(1),
    "extra",
    "__proto__",
    "<<",
    5,
    null,
    "constructor",
  ]);
}
