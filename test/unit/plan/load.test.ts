import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "./planning.ts";

test("without load-images nothing is loaded", () => {
  assert.equal(planOf({}).load, undefined);
});

test("each reference is loaded once, for the machine's platform where Docker can choose", () => {
  const reference = (text: string) => ({ kind: "reference", reference: text }) as const;
  const inputs = { loadImages: [reference("a:1"), reference("b:1"), reference("a:1")] };
  assert.deepEqual(planOf({ inputs }).load, { references: ["a:1", "b:1"], platform: undefined, archives: [] });
  const engine = { version: "29", clientVersion: "29", cgroupVersion: 2, dataRoot: "/d", imageStore: "" } as const;
  assert.equal(planOf({ inputs, survey: { engine } }).load?.platform, "linux/amd64");
});
