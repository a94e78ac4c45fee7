/** What stands in a secret's place. */
export const REDACTED = "[redacted]";

const NAME = "(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|app[_-]?key|access[_-]?key|client-key-data)";
/** A name that says that its value is secret. */
export const SECRET_NAME = new RegExp(NAME, "i");

/** Each match is replaced by its first group and the mark: a value whose name says that it is secret. */
export const NAMED: readonly RegExp[] = [
  // "password": "x", 'password' => 'x', password="x", with quotes escaped or not: to the same quote, or the line's end.
  new RegExp(
    `(${NAME}\\w{0,80}(?:\\\\{0,32}["'])?\\s{0,100}(?:=>|[:=])\\s{0,100}(\\\\{0,32}["']))(?:(?!\\2).){0,200000}`,
    "gi",
  ),
  // "token": x
  new RegExp(`(${NAME}\\w{0,80}\\\\{0,32}["']\\s{0,100}:\\s{0,100})(?![\\\\"'[{\\s])[^\\s,}\\]]+`, "gi"),
  // PASSWORD=x
  new RegExp(`(${NAME}\\w{0,80}\\s{0,100}=\\s{0,100})(?!\\\\{0,32}["']|\\[redacted|>)[^\\s&"'<>]+`, "gi"),
  // token: x; for the other names the rest of the line
  /(\b\w{0,200}token\s{0,100}:\s{1,100})(?!\\{0,32}["']|\[redacted)[^\s,;]+/gi,
  new RegExp(
    `(?<!artifact-)(${NAME.replace("token|", "")}\\w{0,80}\\s{0,100}:\\s{1,100})(?!\\\\{0,32}["']|\\[redacted).+`,
    "gi",
  ),
  /(\s--?(?:password|passphrase|token|secret)\s{1,100})(?!\[redacted)\S+/gi,
  /(\b(?:Set-)?Cookie\s{0,100}:\s{0,100}).+/gi,
  /(\b(?:Basic|Bearer)\s{1,100})[A-Za-z0-9+/=._~-]{8,}/g,
  /(\bAuthorization\\{0,32}["']?\s{0,100}:(?!\s{0,100}\\{0,32}["']?(?:Basic|Bearer)\s)\s{0,100}\\{0,32}["']?)[^"'\\\n]+/gi,
  /(:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/g,
  // A token in place of a user's name.
  /(:\/\/)[^\s:@/[]{16,}(?=@)/g,
  // A JSON Web Token, looked for once in each word, and a token of GitHub's.
  /(?<![\w-])(?=[\w-]{11,100000}\.eyJ[\w-]{8,100000}\.[\w-])([\w-]*?)\beyJ[\w-]{8,100000}\.eyJ[\w-]{8,100000}\.[\w-]{1,100000}/g,
  /()\b(?:gh[pousr]_|github_pat_)\w{20,}/g,
];
