import { Lexer } from "yaml";

/** The lexer's sign that a plain or a block scalar follows, and that of a document. A quoted scalar has none. */
const SCALAR = "\u001f";
const DOCUMENT = "\u0002";

/** A lexeme with its place in the text. */
export interface Lexeme {
  readonly what: "sign" | "scalar" | "block";
  readonly source: string;
  readonly offset: number;
}

/** The lexemes of a text: what is written between two others is a lexeme too. */
export function* readLexemes(text: string): Generator<Lexeme> {
  let what: Lexeme["what"] = "sign";
  let isBlock = false;
  let offset = 0;
  for (const source of new Lexer().lex(text)) {
    if (source === SCALAR) what = isBlock ? "block" : "scalar";
    if (source === SCALAR || source === DOCUMENT) continue;
    yield { what, source, offset };
    // Between a block's sign and its text are only spaces, a comment and the end of the line.
    isBlock = what === "sign" && (/^[|>]/.test(source) || (isBlock && /^(?:\s*$|#)/.test(source)));
    what = "sign";
    offset += source.length;
  }
}
