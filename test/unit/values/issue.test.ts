import assert from "node:assert/strict";
import { test } from "node:test";
import { baseUrl, hostName, ipAddress } from "../../../src/values/addresses.ts";
import { boolean, oneOf, wholeNumber } from "../../../src/values/choices.ts";
import { duration } from "../../../src/values/durations.ts";
import { imageReference } from "../../../src/values/images.ts";
import type { Parsed } from "../../../src/values/issue.ts";
import { artifactName, clusterName, userName } from "../../../src/values/names.ts";
import { pathWithin } from "../../../src/values/paths.ts";

test("every issue says what is wrong, what is allowed and how to fix it", () => {
  const parsers: readonly ((text: string) => Parsed<unknown>)[] = [
    duration({ min: "1s", max: "2s" }),
    wholeNumber(1, 2),
    boolean,
    oneOf(["a"]),
    clusterName,
    userName,
    hostName,
    ipAddress,
    imageReference,
    baseUrl,
    pathWithin(["/ws"]),
    artifactName,
  ];
  for (const parse of parsers) {
    const parsed = parse("/../:?\0");
    assert.ok("issue" in parsed, parse.name);
    for (const part of [parsed.issue.reason, parsed.issue.allowed, parsed.issue.fix]) assert.notEqual(part, "");
  }
});
