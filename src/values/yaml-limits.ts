import { Lexer } from "yaml";
import type { YamlIssue } from "./yaml-issue.ts";

/** The limits of what is read of other people's YAML; each is far above what a person writes. */
export const YAML_LIMITS = {
  /** Of one file or text. */
  bytes: 512 * 1024,
  /** Words and signs: the parser's time and memory grow with them, and it takes up to a hundred times their size. */
  lexemes: 250_000,
  /** How deep lists and mappings are nested; the parser takes quadratic time for it, and a frame of the stack. */
  depth: 64,
  /** Aliases in one text. */
  aliases: 500,
  /** How often the content of one anchor may be repeated. */
  expansions: 100,
  /** Characters and nodes once every alias is replaced by what it stands for. */
  expanded: 1_000_000,
} as const;

/** The lexer's sign that a plain or quoted scalar follows. */
const SCALAR = "\u001f";

/** The lexer's own signs (a document, an error in a flow, a scalar), and the byte order mark. */
const NOT_TEXT: ReadonlySet<string> = new Set([SCALAR, "\u{feff}", "\u0002", "\u0018"]);

/**
 * What a text has too much of to be parsed. It is counted as the lexer gives it, which keeps nothing, while the parser
 * builds a tree first.
 */
export function findExcess(text: string, maxBytes: number): YamlIssue | undefined {
  if (Buffer.byteLength(text) > maxBytes) {
    return { kind: "limit", message: `is larger than ${describeBytes(maxBytes)}`, line: 1, column: 1 };
  }
  const counter = new LexemeCounter();
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR) isScalar = true;
    if (NOT_TEXT.has(lexeme)) continue;
    const excess = counter.count(lexeme, { isScalar });
    if (excess !== undefined) return excess;
    isScalar = false;
  }
  return undefined;
}

function describeBytes(bytes: number): string {
  return bytes % 1000 === 0 ? `${bytes / 1000} kB` : `${bytes} bytes`;
}

/**
 * Counts words, aliases and depth, lexeme by lexeme. The depth is that of flow collections and, by columns, of block
 * ones; it may be a little more than the true one.
 */
class LexemeCounter {
  #lexemes = 0;
  #aliases = 0;
  #line = 1;
  #column = 1;
  #flowDepth = 0;
  /** The columns at which the open block collections begin. */
  #columns: readonly number[] = [];
  #opensBlock = true;

  /** Counts the next lexeme. @returns what there is too much of with it. */
  count(lexeme: string, { isScalar }: { readonly isScalar: boolean }): YamlIssue | undefined {
    this.#lexemes += 1;
    if (!isScalar) this.#countSign(lexeme);
    const isBlank = !isScalar && /^[\s#,]/.test(lexeme);
    if (!isBlank && this.#flowDepth === 0) {
      this.#nest();
      this.#opensBlock = !isScalar && /^[-?:]$/.test(lexeme);
    }
    const excess = this.#describeExcess();
    if (excess !== undefined) {
      return { kind: "limit", message: `${excess} (line ${this.#line})`, line: this.#line, column: this.#column };
    }
    this.#advance(lexeme);
    return undefined;
  }

  #countSign(lexeme: string): void {
    if (lexeme.startsWith("*")) this.#aliases += 1;
    if (lexeme === "[" || lexeme === "{") this.#flowDepth += 1;
    if (lexeme === "]" || lexeme === "}") this.#flowDepth = Math.max(0, this.#flowDepth - 1);
  }

  /** What begins a line ends all that is deeper; what follows a sign on the same line is deeper than that sign. */
  #nest(): void {
    if (this.#column !== 1 && this.#columns.length > 0 && !this.#opensBlock) return;
    this.#columns = [...this.#columns.filter((each) => each < this.#column), this.#column];
  }

  #describeExcess(): string | undefined {
    if (this.#lexemes > YAML_LIMITS.lexemes) return `has more than ${YAML_LIMITS.lexemes} tokens`;
    if (this.#aliases > YAML_LIMITS.aliases) return `has more than ${YAML_LIMITS.aliases} aliases`;
    if (this.#flowDepth + this.#columns.length <= YAML_LIMITS.depth) return undefined;
    return `nests lists and mappings more than ${YAML_LIMITS.depth} levels deep`;
  }

  #advance(lexeme: string): void {
    const end = lexeme.lastIndexOf("\n");
    if (end === -1) {
      this.#column += lexeme.length;
      return;
    }
    this.#line += lexeme.split("\n").length - 1;
    this.#column = lexeme.length - end;
    this.#opensBlock = true;
  }
}
