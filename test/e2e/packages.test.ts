import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createExec } from "../../src/exec.ts";
import { poll } from "../../src/poll.ts";
import { startTimeline } from "../../src/timeline.ts";
import { COMPONENTS } from "../../src/torch/components.ts";
import type { ComposeModel } from "../../src/torch/compose/model.ts";
import { checksumOf } from "../../src/torch/packages/archives.ts";
import { PackageCaches } from "../../src/torch/packages/caches.ts";
import { CACHE_MOUNT } from "../../src/torch/packages/plan.ts";
import { waitUntilServing } from "../../src/torch/stack/readiness.ts";
import { removeLabelled } from "../../src/torch/stack/removal.ts";
import { startContainers } from "../../src/torch/stack/start.ts";
import { type ActionRun, dockerLeftovers, prepareMachine, prepareRun, sh } from "./harness.ts";
import { type PackageRegistry, startPackageRegistry } from "./package-registry.ts";
import { DOCKER, FIXTURE, placeTorch, torchLeftovers, useLightServices } from "./torch.ts";

const NONE = { composer: 0, npm: 0, pip: 0 };
const ALL = { composer: 3, npm: 5, pip: 2 };

/** The address of the machine that containers in every network of Docker's reach. */
const gateway = () => sh("docker", ["network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}"]);

let registry: PackageRegistry;
before(async () => {
  await prepareMachine();
  const request = { packages: ALL, bytes: 200_000, bytesPerSecond: 20_000_000 };
  registry = await startPackageRegistry({ ...request, address: await gateway() });
});
after(() => registry.close());

/** A dashboard alone, started as a boot starts it. */
describe("the package caches of a dashboard", () => {
  const NAME = "packages-dashboard";
  const IMAGE = "packages/dashboard:test";
  const LABEL = "packages.test";
  const PORT = 8095;
  const exec = createExec("packages-test");
  let root: string;
  let folders = 0;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "kind-torch-packages-"));
    await sh("docker", ["buildx", "build", "--load", `--tag=${IMAGE}`, join(FIXTURE, "dashboard")], 240);
  });
  after(async () => {
    await removeLabelled(`${LABEL}=1`, exec);
    await sh("docker", ["image", "rm", "--force", IMAGE]);
    await rm(root, { recursive: true });
  });

  const newFolder = async () => {
    folders += 1;
    const folder = join(root, `caches ${folders}`);
    await mkdir(folder);
    return folder;
  };

  /** Starts the dashboard with what a folder has, keeps its caches, and removes it. */
  async function boot(
    folder: string,
    {
      environment = {},
      service = {},
      command,
    }: Readonly<{ environment?: object; service?: object; command?: string }> = {},
  ) {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const log = { info: say, warning: say, debug: () => undefined, startGroup: say, endGroup: () => undefined };
    const stop = new AbortController();
    const tools = { exec, log, signal: stop.signal, timeline: startTimeline() };
    const plan = { folder, draft: join(folder, ".run.draft") };
    const context = join(FIXTURE, "dashboard");
    const labels = { [LABEL]: "1" };
    const caches = new PackageCaches({ plan, image: IMAGE, container: NAME, context, labels }, tools);
    const model: ComposeModel = {
      name: NAME,
      services: {
        dashboard: {
          ...{ image: IMAGE, container_name: NAME, pull_policy: "never", labels },
          environment: { STARTUP_SECONDS: "0.3", PACKAGE_REGISTRY: registry.url, ...environment },
          ports: [{ mode: "ingress", target: 8000, published: `${PORT}`, host_ip: "127.0.0.1", protocol: "tcp" }],
          ...(command === undefined ? {} : { command: ["bash", "-c", command] }),
          ...service,
        },
      },
      networks: { default: { labels } },
    };
    const start = async () => {
      const offer = await caches.offer(model);
      const request = { exec, debug: () => undefined, runDirectory: root, signal: stop.signal, fill: offer.fill };
      await startContainers(COMPONENTS.dashboard, offer.model, request);
    };
    const look = async () => {
      const signal = AbortSignal.timeout(2000);
      const answer = await fetch(`http://127.0.0.1:${PORT}/login`, { signal }).catch(() => undefined);
      return answer?.status === 200 ? ("ready" as const) : { reason: "no answer" };
    };
    const waiting = { exec, log, say: () => undefined, signal: stop.signal, waitSeconds: 60, yields: () => false };
    const running = { component: COMPONENTS.dashboard, container: NAME };
    registry.takeDownloads();
    try {
      await start();
      await caches.serve(() => waitUntilServing(running, look, waiting), start);
      const report = await caches.keep();
      const containerLog = await sh("sh", ["-c", `docker logs ${NAME} 2>&1`]);
      return { lines, report, containerLog, downloads: registry.takeDownloads(), kept: await readdir(folder) };
    } finally {
      await removeLabelled(`${LABEL}=1`, exec);
    }
  }

  it("are kept, and a second start installs from them", async () => {
    const folder = await newFolder();
    const first = await boot(folder);
    assert.deepEqual(first.downloads, ALL);
    assert.match(first.report.key, /^[0-9a-f]{16}$/);
    assert.deepEqual(first.kept.map((name) => name.replace(/[0-9a-f]{64}/, "X")).toSorted(), [
      "composer.X.tar",
      "npm.X.tar",
      "pip.X.tar",
    ]);
    const listed = await sh("sh", ["-c", `for f in "${folder}"/*.tar; do tar -tf "$f"; done`]);
    assert.doesNotMatch(listed, /_logs/);
    const second = await boot(folder);
    assert.deepEqual(second.downloads, NONE, second.containerLog);
    assert.match(second.containerLog, /Using cached/);
    assert.doesNotMatch(second.containerLog, /cache has been disabled|without cache/);
    assert.deepEqual([second.report.key, second.kept.toSorted()], ["", first.kept.toSorted()]);
    assert.match(second.lines.join("\n"), /package caches of 2 MB restored \(composer, npm, pip\); unchanged/);
  });
});
