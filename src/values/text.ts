/** What starts a new line, rings a bell, or reverses the direction: none of it belongs in a name, a path or an address. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The same, and the byte order mark, which nobody sees. */
const UNSEEN = new RegExp(`${UNPRINTABLE.source}|\\u{feff}`, "gu");

/** Whether a text is one line that is shown as it is. */
export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) === -1;
}

/** A text of others in a message: one line of limited length, with the code of each character that is not printable. */
export function printable(text: string, maxCharacters = 200): string {
  const shown = text.length > maxCharacters ? `${text.slice(0, maxCharacters - 3)}...` : text;
  return shown.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The items of a list written with commas or on lines. */
export function splitList(text: string): readonly string[] {
  return text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
