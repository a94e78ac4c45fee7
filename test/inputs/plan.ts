import { makeConfiguration } from "./configuration.ts";
import { Choices, seedOf } from "./random.ts";
import { chooseValue, INPUTS, type InputValue, NAMES } from "./values.ts";

/** A kind configuration, and how the step gets it. */
export interface GivenConfiguration {
  readonly text: string;
  readonly place: "inline" | "file";
  /** How a file has it. */
  readonly encoding: "utf8" | "latin1" | "utf16le";
}

/** What one step gets. */
export interface InputSet {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly configuration: GivenConfiguration | undefined;
  /** Whether the newest Kubernetes of the catalog is asked for, which has another kind release; else the default. */
  readonly latest: boolean;
}

/** Longer ones are larger than an environment's value may be. */
const MAX_INLINE = 100_000;

/** The set of a seed with this number. */
export function planSet(seed: number, number: number): InputSet {
  const choices = new Choices(seedOf(seed, number));
  const name = `set ${number}`;
  if (choices.chance(0.35)) {
    const inputs = chooseInputs(choices, 1 + choices.below(6));
    return { name, inputs, configuration: undefined, latest: false };
  }
  const text = makeConfiguration(choices);
  const place = text.length > MAX_INLINE || text.includes("\0") || choices.chance(0.5) ? "file" : "inline";
  const latest = choices.chance(0.3);
  const inputs = choices.chance(0.2) ? chooseInputs(choices, 1 + choices.below(2)) : {};
  const encoding = place === "file" && choices.chance(0.05) ? choices.pick(["latin1", "utf16le"] as const) : "utf8";
  return { name, inputs, configuration: { text, place, encoding }, latest };
}

/** The sets of a seed. */
export function planSets(count: number, seed: number): readonly InputSet[] {
  return Array.from({ length: count }, (_, index) => planSet(seed, index + 1));
}

function chooseInputs(choices: Choices, count: number): Readonly<Record<string, InputValue>> {
  const right = choices.chance(0.4);
  return Object.fromEntries(
    choices.some(right ? WITH_RIGHT : NAMES, count).map((name) => [name, chooseValue(name, choices, right)] as const),
  );
}

/** The inputs that have a value which is right by itself. */
const WITH_RIGHT = NAMES.filter((name) => (INPUTS[name]?.valid.length ?? 0) > 0);

/** What a set is, in lines that can be read. */
export function describeSet({ name, inputs, configuration, latest }: InputSet): string {
  const show = (text: string) => (text.length > 2000 ? `${text.slice(0, 2000)}... (${text.length} characters)` : text);
  return [
    `${name}${latest ? ", the newest Kubernetes" : ""}`,
    ...Object.entries(inputs).map(
      ([input, { text, expected }]) => `  ${input} (${expected}): ${show(JSON.stringify(text))}`,
    ),
    ...(configuration === undefined
      ? []
      : [
          `  kind-config, ${configuration.place}, ${configuration.encoding}:`,
          ...show(configuration.text)
            .split("\n")
            .map((line) => `  | ${line}`),
        ]),
  ].join("\n");
}

/** What the configuration input of a step gets; `undefined` where there is no configuration then. */
export function configurationInput({ text, place }: Pick<GivenConfiguration, "text" | "place">): string | undefined {
  if (place === "file") return "kind.yaml";
  // The input itself decides what is inline, and an empty one is unset.
  return /\n|:\s|^\{/.test(text.trim()) ? text : undefined;
}
