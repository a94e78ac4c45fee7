import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { officialNames, planAnswer } from "../../testbed/hosted/names.ts";

const ROOT = join(import.meta.dirname, "../..");

test("the jobs of ci.yml run every part of npm test, and every file of the end-to-end tests", async () => {
  const main = await readFile(join(ROOT, "test/main.ts"), "utf8");
  const parts = [...main.matchAll(/^ {2}\["(\w+)", (?:async )?(?:\(\) =>|run\w+)/gm)].map(([, name]) => name ?? "");
  assert.ok(parts.length > 5);
  const files: string[] = [];
  for await (const file of glob("test/e2e/*.test.ts", { cwd: ROOT })) files.push(basename(file, ".test.ts"));
  // hosted.test.ts sets up a machine like GitHub's, which CI has.
  const wanted = [
    ...parts.filter((name) => name !== "e2e" && name !== "long"),
    ...files.filter((name) => name !== "hosted"),
  ];

  const ci: {
    jobs: Record<string, { steps: readonly { run?: string }[]; strategy?: { matrix: { file: string[] } } }>;
  } = parse(await readFile(join(ROOT, ".github/workflows/ci.yml"), "utf8"));
  const run = Object.values(ci.jobs).flatMap(({ steps, strategy }) => [
    ...steps.flatMap((step) => /^npm test -- ([a-z ]+)$/.exec(step.run ?? "")?.[1]?.split(" ") ?? []),
    ...(strategy?.matrix.file ?? []),
  ]);
  assert.deepEqual(run.toSorted(), wanted.toSorted());
});

test("an official name answers as its owner has set it up", () => {
  const at = (url: string, authorized = false) => planAnswer(new URL(url).host, new URL(url).pathname, authorized);
  const follow = (url: string): string => {
    const answer = at(url);
    return answer.kind === "redirect" ? follow(answer.location) : JSON.stringify(answer);
  };
  assert.equal(
    follow("https://kind.sigs.k8s.io/dl/v0.25.0/kind-linux-amd64.sha256sum"),
    '{"kind":"forward","to":"mirror","path":"/dl/v0.25.0/kind-linux-amd64.sha256sum"}',
  );
  assert.equal(
    follow("https://dl.k8s.io/release/v1.28.15/bin/linux/amd64/kubectl"),
    '{"kind":"forward","to":"mirror","path":"/release/v1.28.15/bin/linux/amd64/kubectl"}',
  );
  assert.equal(at("https://github.com/kubernetes/kubernetes").kind, "absent");
  assert.equal(at("https://constructor/").kind, "absent");

  const manifest = "/v2/kindest/node/manifests/v1.28.15";
  const refused = at(`https://registry-1.docker.io${manifest}`);
  assert.ok(refused.kind === "unauthorized");
  assert.match(
    refused.challenge,
    /^Bearer realm="https:\/\/auth\.docker\.io\/token",.*"repository:kindest\/node:pull"$/,
  );
  assert.equal(at("https://auth.docker.io/token").kind, "token");
  for (const [host, authorized] of [
    ["registry-1.docker.io", true],
    ["registry.k8s.io", false],
  ] as const) {
    assert.deepEqual(at(`https://${host}${manifest}`, authorized), { kind: "forward", to: "registry", path: manifest });
  }
  assert.ok(Object.keys(officialNames).every((name) => name.includes(".")));
});
