import type { Problem } from "../errors.ts";
import { boolean } from "../values/choices.ts";
import { inputText, untrimmedInput } from "../values/environment.ts";
import { type Parsed, toProblem } from "../values/issue.ts";
import { splitList } from "../values/text.ts";
import { readVersionInput, type VersionRequest } from "../versions/request.ts";

/** Reads inputs one by one, and collects what is wrong with them. */
export class InputReader {
  readonly problems: Problem[] = [];
  /** The names of all inputs that are read; the post step reads job-status. */
  readonly declared = new Set(["job-status"]);
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** The text of an input without the space around it; an unset one is empty. */
  text(name: string): string {
    this.declared.add(name);
    return inputText(this.#environment, name);
  }

  /** The text of an input exactly as it was written. */
  untrimmed(name: string): string {
    return untrimmedInput(this.#environment, name);
  }

  /** The value of an input; `undefined` where it is unset or wrong. */
  optional<T>(name: string, parse: (text: string) => Parsed<T>): T | undefined {
    const text = this.text(name);
    return text === "" ? undefined : this.#take(name, text, parse(text));
  }

  /** Whether an input is true; the preset where it is unset or wrong. */
  flag(name: string, preset: boolean): boolean {
    return this.optional(name, boolean) ?? preset;
  }

  /** The items of an input that is a list, without those that are wrong. */
  list<T>(name: string, parse: (text: string) => Parsed<T>): readonly T[] {
    return splitList(this.text(name)).flatMap((item) => this.#take(name, item, parse(item)) ?? []);
  }

  /** The version that an input asks for; `undefined` where it is unset, wrong, or leaves the choice to us. */
  version(name: string, words: readonly ("auto" | "latest")[]): VersionRequest | undefined {
    const text = this.text(name);
    const read = text === "" ? undefined : readVersionInput(name, text, words);
    if (read === undefined || "kind" in read) return read;
    this.problems.push(read);
    return undefined;
  }

  #take<T>(name: string, text: string, parsed: Parsed<T>): T | undefined {
    if ("value" in parsed) return parsed.value;
    this.problems.push(toProblem(name, text, parsed.issue));
    return undefined;
  }
}
