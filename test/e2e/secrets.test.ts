import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { unzipSync } from "fflate";
import type { StepResult } from "../../scripts/local/runner.ts";
import { WITHOUT_ROOT } from "../privileges.ts";
import { logOf } from "./fault.ts";
import { prepareMachine, sh } from "./harness.ts";
import type { DiskResult } from "./secrets/disk.ts";
import { readImages, readModes, searchMachine } from "./secrets/machine.ts";
import type { Secret } from "./secrets/needles.ts";
import { empty, PLACES, unexplained } from "./secrets/places.ts";
import { PRIVATE_IMAGE } from "./secrets/private-registry.ts";
import { type FindTraces, type Trace, traces } from "./secrets/traces.ts";
import { inspectDocker, type Seen, watchMachine } from "./secrets/watch.ts";
import {
  CANARY,
  CLUSTER,
  canary,
  prepareWholeRun,
  pullWithPassword,
  secretsOf,
  type WholeRun,
} from "./secrets/whole-run.ts";
import { torchLeftovers } from "./torch.ts";

/** One run, with everything on. Each search finds the canary, which is in each place, and nothing else. */
describe("a run with everything that is secret", { skip: WITHOUT_ROOT }, () => {
  let whole: WholeRun;
  let secrets: readonly Secret[];
  let find: FindTraces;
  let main: StepResult;
  let post: StepResult;
  let seen: Seen;
  let docker: readonly { readonly place: string; readonly text: string }[];
  let images: ReadonlyMap<string, Buffer>;
  let during: DiskResult;
  let modes: readonly string[];
  let later: DiskResult;

  before(async () => {
    // Before the first file of a user's is written.
    const begin = Date.now();
    whole = await prepareWholeRun(await prepareMachine());
    const stop = watchMachine();
    try {
      await runAll(begin);
    } finally {
      seen = await stop();
    }
  });
  after(async () => {
    await whole?.run.post();
    await whole?.dispose();
  });

  async function runAll(begin: number): Promise<void> {
    const { run, environment } = whole;
    const visible = spawn("sh", ["-c", "sleep 5", CANARY], { env: { ...process.env, CANARY }, stdio: "ignore" });
    main = await run.main({ environment });
    visible.kill();
    assert.equal(main.exitCode, 0, logOf(main));
    await pullWithPassword(main, PRIVATE_IMAGE);
    await sh("docker", ["exec", `${CLUSTER}-control-plane`, "sh", "-c", `echo ${CANARY} >/var/lib/canary`]);
    secrets = [...whole.secrets, ...(await secretsOf(main)), canary];
    find = traces(secrets);
    during = await searchMachine(secrets, whole, begin);
    modes = await readModes(main.state["run-directory"] ?? "", during.found);
    docker = await inspectDocker();
    images = await readImages();
    post = await run.post({ environment, inputs: { "job-status": "failure" } });
    later = await searchMachine(secrets, whole, begin);
  }

  /** Sees that nothing but the canary was found, and the canary. */
  function expectCanaryAlone(found: readonly Trace[], what: string): void {
    const isCanary = (trace: Trace) => trace.what.startsWith(canary.name);
    assert.deepEqual(
      found.filter((trace) => !isCanary(trace)),
      [],
      what,
    );
    assert.ok(found.some(isCanary), `${what}: the search does not find what is there`);
  }

  it("has everything on", () => {
    const log = logOf(main);
    assert.match(log, /georef: STARTED/);
    assert.match(log, /dashboard: image built, 0 of \d+ steps from the cache/);
    assert.match(log, /dashboard: .*kept: /);
    assert.equal(main.outputs["artifact-id"], "7");
    assert.match(logOf(post), /The logs are in the artifact /);
    assert.doesNotMatch(`${log}${logOf(post)}`, /::error|Images: /);
  });

  it("has none of it in the log, the summary, the outputs, the state and the variables for later steps", () => {
    for (const [name, { masks, ...rest }] of Object.entries({ main, post })) {
      assert.ok(masks.length > 0, "what the runner is asked to mask is not part of the log");
      // The runner shows these lines to those who ask for them, and masked.
      const mask = (line: string) => masks.reduce((text, each) => text.replaceAll(each, "***"), line);
      const log = rest.log.map((line) => (line.startsWith("::debug::") ? mask(line) : line));
      const found = find(name, `${log.join("\n")}\n${rest.summary}\n${JSON.stringify({ ...rest, log })}`);
      if (name === "main") expectCanaryAlone(found, name);
      else
        assert.deepEqual(
          found.filter(({ what }) => !what.startsWith(canary.name)),
          [],
        );
    }
  });

  it("has none of it in a command line, and in the environment only of programs that it is for", () => {
    const commands = seen.processes.flatMap(({ command }) => find(command.replaceAll("\0", " "), command));
    expectCanaryAlone(commands, "command lines");
    const isStep = (command: string) => /\0[^\0]*\/dist\/(?:main|post)\.mjs\0/.test(command);
    const others = seen.processes.filter(({ command }) => !isStep(command));
    const isProgram = (environment: string) => environment.includes("KIND_TORCH_RUN=");
    const inEnvironment = others.flatMap(({ command, environment }) => {
      // The step's programs have the job's variables, but for its inputs and the runner's; a build has the cache's.
      const builds = isProgram(environment) && /buildx/.test(command);
      const own = isProgram(environment) ? ["API_TOKEN", "GITHUB_TOKEN", "DEPLOY_PASSWORD"] : [];
      const allowed = [...own, ...(builds ? ["the runner's token"] : [])];
      return find(command.replaceAll("\0", " "), environment).filter(
        ({ what }) => !allowed.some((name) => what.startsWith(name)),
      );
    });
    expectCanaryAlone(inEnvironment, "environments");
    assert.ok(others.filter(({ environment }) => isProgram(environment)).length > 50, "the step's programs were seen");
  });

  it("has none of it in what Docker says of anything, and in what containers write", () => {
    expectCanaryAlone(
      docker.flatMap(({ place, text }) => find(place, text)),
      "docker inspect and docker logs",
    );
    expectCanaryAlone(
      seen.inspected.flatMap((text) => find("docker inspect", text)),
      "docker inspect during the run",
    );
    expectCanaryAlone(find("docker events", seen.events.join("\n")), "docker events");
  });

  it("has none of it in an image's layers, configuration and history", () => {
    expectCanaryAlone(
      [...images].flatMap(([name, bytes]) => find(name, bytes)),
      "images",
    );
  });

  it("has none of it in the layers that are kept between runs", async () => {
    const cached = await whole.services.cached();
    assert.ok(cached.length > 8, `${cached.length} entries`);
    expectCanaryAlone(
      cached.flatMap(({ place, bytes }) => find(place, bytes)),
      "the cache",
    );
  });

  it("has none of it in an artifact, but the key under the passphrase", async () => {
    const artifacts = await whole.services.artifacts();
    assert.equal(artifacts.length, 2);
    expectCanaryAlone(
      artifacts.flatMap(({ place, bytes }) => find(place, bytes)),
      "artifacts",
    );
    const files = artifacts.flatMap(({ bytes }) => Object.entries(unzipSync(bytes)));
    const [, encrypted] = files.find(([name]) => name.endsWith(".encrypted.key")) ?? assert.fail("no key");
    const key = createPrivateKey({ key: Buffer.from(encrypted), passphrase: whole.passphrase });
    const own = createPrivateKey(await readFile(join(whole.run.folders.workspace, "own.key")));
    assert.ok(key.equals(own), "the encrypted key is the user's");
  });

  it("has on the disk, while the job runs, what has to be there", async () => {
    const isCanary = ({ what }: Trace) => what.startsWith(canary.name);
    assert.deepEqual(during.skipped, []);
    assert.deepEqual(
      unexplained(
        during.found.filter((trace) => !isCanary(trace)),
        PLACES,
      ),
      [],
    );
    assert.deepEqual(empty(during.found, PLACES), [], "the search finds what is there");
    assert.deepEqual([...new Set(modes)], ["700", "600"], "the modes of the run's folder and of its secret files");
    for (const place of [/^\/.*\/torch_v2\//, /^volume .*\/canary$/, /^container .*-dashboard\/var\/canary$/]) {
      assert.ok(
        during.found.some((trace) => isCanary(trace) && place.test(trace.place)),
        `${place}`,
      );
    }
    const document = await readFile(join(import.meta.dirname, "../../docs/security.md"), "utf8");
    for (const { title } of PLACES) assert.ok(document.includes(`| ${title} |`), `docs/security.md: ${title}`);
  });

  it("has nothing on the disk after the job but the files that it was given", async () => {
    assert.deepEqual(later.skipped, []);
    const given = PLACES.filter(({ title }) => /\byou (?:gave|brought)\b/.test(title));
    expectCanaryAlone(unexplained(later.found, given), "the disk after post");
    assert.deepEqual(await torchLeftovers(CLUSTER), []);
    await assert.rejects(stat(main.state["run-directory"] ?? "/"), { code: "ENOENT" });
  });
});
