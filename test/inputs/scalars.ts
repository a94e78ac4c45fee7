/** A scalar exactly as it is written into YAML. */
export class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function raw(...texts: readonly string[]): readonly Raw[] {
  return texts.map((text) => new Raw(text));
}

/** What YAML's readers take for nothing, in its spellings. */
const NOTHING = raw("", "~", "null", "Null", "!!null ''");

/** A field's kind of value: what is right there, and what is nearly right or wrong. kind decides which. */
export interface Scalars {
  readonly right: readonly unknown[];
  readonly near: readonly unknown[];
}

export const PORT: Scalars = {
  right: [80, 8080, 30080, 65535, ...raw("0x1F90", "0o17620", "017620", "0b1111", "8_080", "+8080", "8080.0")],
  near: [
    ...[0, -1, -2, 65536, 1.5, ...NOTHING],
    ...raw('"8080"', "'80'", "8e3", "08080", "0o", "0x", "8__0", "_80", "80_", ".inf", ".nan", "1e400", "- 80"),
    ...raw("99999999999", "9223372036854775808", "2024-01-01", "80:80", "true", "!!int 80", "!!str 80", '!!int "80"'),
    ...raw(
      "!!float 80",
      "80 # a port",
      "[80]",
      "{a: 80}",
      "٨٠",
      "0.8e2",
      "8080.",
      "-0",
      "1:20",
      "0X1F90",
      "0O17",
      "0B1",
    ),
  ],
};

export const FLAG: Scalars = {
  right: [true, false, ...raw("True", "FALSE", "TRUE")],
  near: [
    ...raw(
      "yes",
      "No",
      "on",
      "OFF",
      "y",
      "N",
      '"true"',
      "'yes'",
      "1",
      "0",
      "tRUE",
      "t",
      "!!bool true",
      '!!bool "true"',
    ),
    ...[...NOTHING, ...raw("!!str true", "[true]", "enabled", '"off"', "yEs", "!!bool yes")],
  ],
};

export const TEXT: Scalars = {
  right: [
    "text",
    "two words",
    "1.28",
    "007",
    "true",
    "ä😀",
    ...raw("plain", "1.30", "0x10", "yes", "12345678901234567890"),
  ],
  near: [
    ...[
      "",
      " ",
      "a\nb",
      "\u0000",
      "\u0085",
      "a: b",
      "# a",
      "- a",
      "*a",
      "&a",
      "!a",
      "%a",
      "@a",
      "`a",
      "x".repeat(3000),
    ],
    ...[
      ...NOTHING,
      ...raw("[]", "{}", "[a]", "{a: b}", "2024-01-01", ".nan", "!!binary aGk=", "!custom a", "!!str", "!!int a"),
    ],
    ...raw(
      "'it''s'",
      '"\\x41\\u00e9"',
      '"\\q"',
      "|\n      block",
      ">-\n      folded",
      "!!float 1.5",
      "!!timestamp 2024-01-01",
    ),
  ],
};

/** Texts that a field's own rule allows, and others. */
export function words(right: readonly string[], near: readonly string[]): Scalars {
  return { right, near: [...near, ...TEXT.near] };
}

export const ADDRESS = words(
  ["127.0.0.1", "0.0.0.0"],
  [
    "::1",
    "::",
    "localhost",
    "127.0.0.1:80",
    "256.0.0.1",
    "1.2.3",
    "01.2.3.4",
    "::ffff:127.0.0.1",
    "fe80::1%lo",
    "203.0.113.7",
    "[::1]",
    "127.1",
  ],
);

export const SUBNET = words(
  ["10.9.0.0/16", "10.200.0.0/24", "192.168.77.0/25"],
  [
    ...[
      "10.9.0.0",
      "10.9.0.0/33",
      "10.9.0.1/16",
      "fd00:9::/56",
      "10.9.0.0/16,fd00:9::/56",
      "fd00:9::/56,10.9.0.0/16",
      "10.9.0.0/016",
    ],
    ...[
      "10.9.0.0/16, fd00:9::/56",
      "10.9.0.0/16,10.10.0.0/16",
      "010.9.0.0/16",
      "10.9/16",
      "0.0.0.0/0",
      "::ffff:10.9.0.0/112",
      "10.9.0.0/-1",
    ],
    ...[
      "10.96.0.0/16",
      "10.244.0.0/16",
      "10.9.0.0/16,",
      "fd00:9::/129",
      "::/0",
      "fd00:9::1/64",
      "1::2::3/64",
      "fd00::10.9.0.0/112",
    ],
  ],
);
