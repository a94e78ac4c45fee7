import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { ComponentName } from "../../src/torch/components.ts";
import { prepareMachine, prepareRun, sh } from "./harness.ts";
import { type Built, ContainerBuilder, placeSmall, startActCache } from "./layers/builder.ts";
import { type Behaviour, CacheService } from "./layers/cache-service.ts";
import { holds, placeTorch, torchLeftovers, tracesOfKey, useLightServices } from "./torch.ts";

const MAIN = { scope: "refs/heads/main", write: true };
const READ_MAIN = { scope: "refs/heads/main", write: false };
const branch = (name: string) => [{ scope: `refs/heads/${name}`, write: true }, READ_MAIN];
/** Short ones, so that a test need not wait as long as a run would. */
const LIMITS = { listSeconds: 3, readSeconds: 6, writeSeconds: 3 };
/** Folders of the small TORCH-V2 that images are built from. */
const CONTEXTS: Readonly<Record<ComponentName, string>> = {
  dashboard: "dashboard",
  engine: "model/flowable",
  services: "service-layer",
};
const SECRET = "a-secret-of-the-environment-3f9a";

let builder: ContainerBuilder;
let service: CacheService;
let small: string;
before(async () => {
  builder = await ContainerBuilder.create("layers-test");
  service = await CacheService.start(join(builder.folder, "cache"));
  small = await placeSmall(join(builder.folder, "small"));
});
after(async () => {
  await service?.stop();
  await builder?.dispose();
});

describe("the layers of a boot", () => {
  const checkout = () => join(builder.folder, "torch_v2");
  const build = (component: ComponentName): Promise<Built> => {
    const context = join(checkout(), CONTEXTS[component]);
    return builder.build({ context, component, environment: service.environmentFor(branch("feature")) });
  };

  it("are in the cache after it, and nothing that is secret is", { timeout: 300_000 }, async () => {
    const machine = await prepareMachine();
    const run = await prepareRun(machine, { "cluster-name": "layers", torch: "torch_v2" });
    try {
      await placeTorch(join(run.folders.workspace, "torch_v2"));
      await useLightServices(join(run.folders.workspace, "torch_v2"));
      const runtime = service.environmentFor([MAIN]);
      const environment = { ...builder.environment, ...runtime, API_TOKEN: SECRET };
      const { exitCode, log, summary, outputs } = await run.main({ environment });
      assert.equal(exitCode, 0, log.join("\n"));
      const text = log.join("\n");
      assert.match(text, /dashboard: image built, 0 of 6 steps from the cache/);
      assert.match(summary, /Image of the dashboard.*0 of 6 steps from the cache/);
      assert.doesNotMatch(text, /Images: /, "nothing was wrong with the cache");
      const key = await readFile(outputs["client-key-path"] ?? "", "utf8");
      const token = runtime.ACTIONS_RUNTIME_TOKEN ?? "";
      const secrets = [token, SECRET].flatMap((each) => [each, Buffer.from(each).toString("base64")]);
      const traces = [...tracesOfKey(key), ...secrets.map((each) => Buffer.from(each))];
      const certificate = (outputs["client-certificate"] ?? "").split("\n").find((line) => line.length > 60) ?? "";
      let entries = 0;
      for await (const [name, content] of service.contents()) {
        entries += 1;
        assert.ok(!holds(inflate(content), [...traces, Buffer.from(certificate)]), name);
      }
      assert.ok(entries > 8, `${entries} entries`);
      assert.ok(!text.includes(token), "the token is in the log");
    } finally {
      await run.post();
      await run.dispose();
    }
    assert.deepEqual(await torchLeftovers("layers"), []);
  });

  it("are taken from there on another machine: no step of an unchanged checkout runs", {
    timeout: 200_000,
  }, async () => {
    await placeTorch(checkout());
    await useLightServices(checkout());
    await builder.renew();
    for (const component of ["dashboard", "engine", "services"] as const) {
      const { ran, steps, cached, notes } = await build(component);
      assert.deepEqual({ ran, notes, cached }, { ran: [], notes: [], cached: steps }, component);
    }
  });

  it("are built from a changed file on, and no others", { timeout: 200_000 }, async () => {
    const file = join(checkout(), "dashboard/dashboard/app/views.py");
    await writeFile(file, `${await readFile(file, "utf8")}\n# changed\n`);
    await builder.prune();
    const { ran, steps, cached } = await build("dashboard");
    assert.deepEqual([steps, cached, ran.length], [6, 3, 3]);
    assert.match(ran.join("\n"), /^COPY dashboard\/ .*\nCOPY start-dashboard\.sh .*\nRUN chmod /);
  });
});

describe("what is in the cache", () => {
  const build = async (
    scopes: Parameters<CacheService["token"]>[0],
    component: ComponentName = "engine",
    args = {},
  ) => {
    await builder.prune();
    const environment = service.environmentFor(scopes);
    return await builder.build({ context: small, component, args, environment, limits: LIMITS });
  };

  it("is kept apart by branch, component and what is built", { timeout: 120_000 }, async () => {
    const first = await build(branch("one"));
    assert.deepEqual([first.cached, first.steps], [0, 6]);
    assert.equal((await build(branch("one"))).cached, 6, "a branch has its own");
    assert.equal((await build(branch("two"))).cached, 0, "and not another one's");
    assert.equal((await build([MAIN])).cached, 0, "nor has the default branch");
    assert.equal((await build(branch("three"))).cached, 6, "whose layers every branch has");
    // Layers have no name but their content's, so that each list names those that it made.
    assert.equal((await build([MAIN], "services")).cached, 0);
    assert.equal((await build([MAIN], "engine", { EXAMPLE: "another" })).cached, 0);
    assert.equal((await build([MAIN])).cached, 6, "what was built otherwise has not replaced it");
  });

  it("is read and not written where a job may only read", { timeout: 120_000 }, async () => {
    const { cached, notes } = await build([{ scope: "refs/pull/1/merge", write: false }, READ_MAIN]);
    assert.equal(cached, 6);
    assert.match(notes.join("\n"), /^layers were not kept for later runs: .*cache write denied/);
  });

  it("is the same over the protocol's first version, with the cache server of act", { timeout: 90_000 }, async () => {
    const act = await startActCache(join(builder.folder, "act"));
    try {
      const environment = { ACTIONS_CACHE_URL: act.url, ACTIONS_RUNTIME_TOKEN: service.token([MAIN]) };
      for (const expected of [0, 6]) {
        await builder.prune();
        const { cached, notes } = await builder.build({ context: small, environment });
        assert.deepEqual({ cached, notes }, { cached: expected, notes: [] });
      }
    } finally {
      await act.stop();
    }
  });
});

describe("a cache that fails costs time and a line", () => {
  const NOT_USED = "layers of earlier runs were not used";
  const NOT_KEPT = "layers were not kept for later runs";
  const SERVED: readonly Behaviour[] = ["stalled-layers", "evicted-layers"];
  /** What the cache does, and what is said of it. */
  const CASES: readonly (readonly [Behaviour, RegExp])[] = [
    ["unavailable", new RegExp(`^${NOT_USED}: unavailable\n${NOT_KEPT}: unavailable$`)],
    ["stalled", new RegExp(`^${NOT_USED}: the cache did not answer within 3 s$`)],
    ["limited", new RegExp(`^${NOT_USED}: the cache did not answer within 3 s$`)],
    ["full", new RegExp(`^${NOT_KEPT}: the cache took nothing for 3 s$`)],
    ["stalled-upload", new RegExp(`^${NOT_KEPT}: the cache took nothing for 3 s$`)],
    ["stalled-layers", new RegExp(`^${NOT_USED}: the cache sent nothing for 6 s$`)],
    ["evicted-layers", new RegExp(`^${NOT_USED}: the cache has removed some of them`)],
  ];

  for (const [behaviour, words] of CASES) {
    it(behaviour, { timeout: 120_000 }, async () => {
      // Each has what it needs to fail late: layers in its own branch where they are to be sent.
      const scopes = branch(`fault-${behaviour}`);
      const environment = service.environmentFor(scopes);
      const component = "services";
      service.behaviour = "serving";
      // In a builder of its own: what waits for a cache there waits for good.
      await builder.renew();
      if (SERVED.includes(behaviour)) await builder.build({ context: small, component, environment });
      await builder.prune();
      service.behaviour = behaviour;
      try {
        const args = SERVED.includes(behaviour) ? {} : { EXAMPLE: behaviour };
        const built = await builder.build({ context: small, component, args, environment, limits: LIMITS });
        assert.match(built.notes.join("\n"), words);
        if (behaviour === "unavailable" || behaviour === "evicted-layers") assert.equal(built.cached, 0);
      } finally {
        service.behaviour = "serving";
      }
    });
  }

  const build = async (environment: Readonly<Record<string, string>>) => {
    await builder.renew();
    return await builder.build({ context: small, args: { EXAMPLE: "refused" }, environment, limits: LIMITS });
  };

  it("nothing listens there", { timeout: 120_000 }, async () => {
    const down = { ...service.environmentFor([MAIN]), ACTIONS_RESULTS_URL: "http://127.0.0.1:9/secret-path/" };
    const { notes } = await build(down);
    assert.match(notes.join("\n"), /not used: .*connection refused\n.*not kept .*connection refused/);
    assert.doesNotMatch(notes.join("\n"), /secret-path/);
  });

  it("the token is not a token of the cache's, or is another's", { timeout: 120_000 }, async () => {
    const { notes } = await build({ ...service.environmentFor([MAIN]), ACTIONS_RUNTIME_TOKEN: "not-one-of-github" });
    assert.match(notes.join("\n"), /^built without the cache of earlier runs: .*token is malformed/);
    const other = await CacheService.start(join(builder.folder, "other"));
    const foreign = await build({ ...service.environmentFor([MAIN]), ACTIONS_RUNTIME_TOKEN: other.token([MAIN]) });
    await other.stop();
    assert.match(foreign.notes.join("\n"), /not used: unauthenticated/);
  });

  it("there is none, and the Dockerfile names an image that only Docker's own builder has", {
    timeout: 120_000,
  }, async () => {
    const image = "layers-test-own:1";
    const context = join(builder.folder, "own");
    await mkdir(context);
    await writeFile(join(context, "Dockerfile"), `FROM ${image}\nLABEL built=again\n`);
    const { probeImage } = await prepareMachine();
    await sh("docker", ["tag", probeImage, image]);
    try {
      const { notes } = await builder.build({ context });
      assert.match(notes.join("\n"), /^built by Docker's own builder: .*layers-test-own/);
    } finally {
      await sh("docker", ["image", "rm", image]);
    }
  });

  it("a Dockerfile whose step fails is not built a second time", { timeout: 120_000 }, async () => {
    const context = await placeSmall(join(builder.folder, "broken"), 3);
    const failure = builder.build({ context, environment: service.environmentFor([MAIN]) });
    await assert.rejects(failure, /did not complete successfully: exit code: 3/);
    assert.equal(builder.lines.filter((line) => line.includes("#0 building with ")).length, 1);
  });
});

/** What an entry of the cache says: its layers are compressed as BuildKit chose. */
function inflate(content: Buffer): Buffer {
  if (content.readUInt16BE(0) === 0x1f8b) return gunzipSync(content);
  return content.readUInt32BE(0) === 0x28b52ffd ? zstdDecompressSync(content) : content;
}
