import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { parse } from "yaml";
import { makeFolder } from "../unit/builders.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly run?: string;
}

/** The script of a step of release.yml, as GitHub would run it. */
async function readStep(job: string, name: string | RegExp): Promise<string> {
  const workflow: { readonly jobs: Readonly<Record<string, { readonly steps?: readonly Step[] }>> } = parse(
    await readFile(join(ROOT, ".github/workflows/release.yml"), "utf8"),
  );
  const step = workflow.jobs[job]?.steps?.find((each) => new RegExp(name).test(each.name ?? ""));
  return step?.run ?? assert.fail(`release.yml has no step ${name}`);
}

/** A checkout to run a step in, with a fake of GitHub's client that answers from a table and writes down its calls. */
async function prepare(context: TestContext, answers: Readonly<Record<string, string>> = {}) {
  const folder = await makeFolder(context);
  const [bin, calls, output, notes] = ["bin", "calls", "output", "notes.md"].map((name) => join(folder, name));
  if (bin === undefined || calls === undefined || output === undefined || notes === undefined) assert.fail();
  await mkdir(bin);
  const cases = Object.entries(answers).map(([words, answer]) => `*"${words}"*) printf '%s' '${answer}' ;;`);
  await writeFile(
    join(bin, "gh"),
    `#!/bin/bash\nprintf '%s\\n' "$*" >> '${calls}'\ncase "$*" in ${cases.join("\n")}\n*"release view"*) exit 1 ;; esac\n`,
  );
  await chmod(join(bin, "gh"), 0o755);
  for (const file of ["package.json", "CHANGELOG.md"]) await copyFile(join(ROOT, file), join(folder, file));
  await writeFile(calls, "");
  const version: unknown = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")).version;
  return {
    folder,
    tag: `v${version}`,
    notes,
    run: (script: string, env: Readonly<Record<string, string>>) => {
      const result = spawnSync("bash", ["-e", "-o", "pipefail", "-c", script], {
        cwd: folder,
        encoding: "utf8",
        env: {
          PATH: [bin, process.env.PATH ?? ""].join(delimiter),
          GITHUB_OUTPUT: output,
          NOTES: notes,
          GH_REPO: "owner/repository",
          COMMIT: "c0ffee",
          ...env,
        },
      });
      return { code: result.status, text: result.stdout + result.stderr };
    },
    calls: async () => (await readFile(calls, "utf8")).split("\n").filter((line) => line !== ""),
    outputs: async () => (await readFile(output, "utf8")).split("\n").filter((line) => line !== ""),
  };
}

describe("release.yml", () => {
  it("drafts a release with the version's section of the changelog, and refuses a tag or a changelog of another version", async (context) => {
    const script = await readStep("draft", /^The tag is/);
    const place = await prepare(context);
    const heading = `## ${place.tag.slice(1)}`;
    const older = "## 0.0.1\n\n- Of another version.\n";
    // As CONTRIBUTING.md says for a release; in the commit of a release it is already there.
    const changelog = (await readFile(join(ROOT, "CHANGELOG.md"), "utf8")).replace(/^## Unreleased$/m, heading);
    assert.ok(changelog.includes(`\n${heading}\n`));
    await writeFile(join(place.folder, "CHANGELOG.md"), older);
    assert.equal(place.run(script, { TAG: place.tag }).code, 1, "the changelog does not have it yet");
    await writeFile(join(place.folder, "CHANGELOG.md"), `${changelog}\n${older}`);
    assert.equal(place.run(script, { TAG: "v9.9.9" }).code, 1, "it is not the version of package.json");

    const result = place.run(script, { TAG: place.tag });
    assert.equal(result.code, 0, result.text);
    const notes = await readFile(place.notes, "utf8");
    const own = changelog.slice(changelog.indexOf(`\n${heading}\n`) + heading.length + 2);
    assert.equal(notes.trim(), (own.split(/^## /m)[0] ?? "").trim());

    await writeFile(join(place.folder, "CHANGELOG.md"), `${heading}\n\n${older}`);
    assert.equal(place.run(script, { TAG: place.tag }).code, 1, "there is nothing under it");
  });

  it("reads no changelog that is a link", async (context) => {
    const script = await readStep("draft", /^The tag is/);
    const place = await prepare(context);
    await writeFile(join(place.folder, "other.md"), `## ${place.tag.slice(1)}\n\n- Text.\n`);
    await rm(join(place.folder, "CHANGELOG.md"));
    await symlink("other.md", join(place.folder, "CHANGELOG.md"));
    assert.equal(place.run(script, { TAG: place.tag }).code, 1);
  });

  for (const [state, answers, code, call] of [
    ["none", {}, 0, /^release create v1\.2\.3 --draft --verify-tag --title v1\.2\.3 --notes-file /],
    ["a draft", { "release view": "true" }, 0, /^release edit v1\.2\.3 --notes-file /],
    ["one that is published", { "release view": "false" }, 1, /^release view v1\.2\.3 /],
  ] as const) {
    it(`finds ${state}, and acts accordingly`, async (context) => {
      const place = await prepare(context, answers);
      const result = place.run(await readStep("draft", /^Draft the/), { TAG: "v1.2.3" });
      assert.equal(result.code, code, result.text);
      assert.match((await place.calls()).at(-1) ?? "", call);
    });
  }

  for (const { tag, published, latest, newest } of [
    { tag: "v1.2.3", published: [], latest: true, newest: true },
    { tag: "v1.2.3", published: ["v1.2.2", "v1.1.9", "v0.9.0"], latest: true, newest: true },
    { tag: "v1.2.10", published: ["v1.2.9"], latest: true, newest: true },
    { tag: "v1.2.4", published: ["v2.0.0", "v1.2.3"], latest: false, newest: true },
    { tag: "v1.2.4", published: ["v1.3.0"], latest: false, newest: false },
    { tag: "v1.2.3", published: ["v1", "nightly", "v10.0.0-rc.1"], latest: true, newest: true },
  ]) {
    it(`knows whether ${tag} is the newest compared to ${published.join(", ") || "nothing"}`, async (context) => {
      const place = await prepare(context, { "commits/": "c0ffee", "/releases": published.join("\n") });
      const result = place.run(await readStep("publish", /^The tag is still/), { TAG: tag });
      assert.equal(result.code, 0, result.text);
      assert.deepEqual(await place.outputs(), [`latest=${latest}`, `newest=${newest}`]);
    });
  }

  it("does not publish a tag that was moved after it was checked", async (context) => {
    const place = await prepare(context, { "commits/": "another", "/releases": "" });
    const result = place.run(await readStep("publish", /^The tag is still/), { TAG: "v1.2.3" });
    assert.equal(result.code, 1);
    assert.deepEqual(await place.outputs().catch(() => []), []);
  });

  it("publishes, and moves the major version's tag", async (context) => {
    const place = await prepare(context);
    const env = { TAG: "v1.2.3", LATEST: "true" };
    assert.equal(place.run(await readStep("publish", /^Publish the draft/), env).code, 0);
    assert.equal(place.run(await readStep("publish", /^Move the major/), env).code, 0);
    assert.deepEqual(await place.calls(), [
      "release edit v1.2.3 --draft=false --latest=true",
      "api --method PATCH repos/owner/repository/git/refs/tags/v1 -f sha=c0ffee -F force=true",
    ]);
  });
});
