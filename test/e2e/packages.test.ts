import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createExec } from "../../src/exec.ts";
import { startTimeline } from "../../src/timeline.ts";
import { COMPONENTS } from "../../src/torch/components.ts";
import type { ComposeModel } from "../../src/torch/compose/model.ts";
import { checksumOf } from "../../src/torch/packages/archives.ts";
import { PackageCaches } from "../../src/torch/packages/caches.ts";
import { CACHE_MOUNT } from "../../src/torch/packages/plan.ts";
import { waitUntilServing } from "../../src/torch/stack/readiness.ts";
import { removeLabelled } from "../../src/torch/stack/removal.ts";
import { startContainers } from "../../src/torch/stack/start.ts";
import { asRoot } from "../privileges.ts";
import { dockerLeftovers, prepareMachine, prepareRun, sh } from "./harness.ts";
import { dashboardVariables, type PackageRegistry, startPackageRegistry } from "./package-registry.ts";
import { DOCKER, FIXTURE, placeTorch, torchLeftovers, useLightServices } from "./torch.ts";

const NONE = { composer: 0, npm: 0, pip: 0 };
const ALL = { composer: 3, npm: 5, pip: 2 };

/** The address of the machine that containers in every network of Docker's reach. */
const gateway = () => sh("docker", ["network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}"]);

let registry: PackageRegistry;
let root: string;
/** The folder that the first test has filled. */
let filledFolder: string;
before(async () => {
  await prepareMachine();
  root = await mkdtemp(join(tmpdir(), "kind-torch-packages-"));
  const request = { packages: ALL, bytes: 200_000, bytesPerSecond: 20_000_000 };
  registry = await startPackageRegistry({ ...request, address: await gateway() });
});
after(async () => {
  await registry.close();
  await rm(root, { recursive: true });
});

/** What differs from the dashboard as it is. */
interface Changes {
  readonly environment: object;
  readonly service: object;
  /** What its container does first. */
  readonly before: string;
  readonly maxBytes: number;
  /** What happens once it serves. */
  readonly served: () => Promise<void>;
}

/** A dashboard alone, started as a boot starts it. */
describe("the package caches of a dashboard", () => {
  const NAME = "packages-dashboard";
  const IMAGE = "packages/dashboard:test";
  const LABEL = "packages.test";
  const PORT = 8095;
  const exec = createExec("packages-test");
  let folders = 0;

  before(async () => {
    await sh("docker", ["buildx", "build", "--load", `--tag=${IMAGE}`, join(FIXTURE, "dashboard")], 240);
  });
  after(async () => {
    await removeLabelled(`${LABEL}=1`, exec);
    await sh("docker", ["image", "rm", "--force", IMAGE]);
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
    { environment = {}, service = {}, before = "", maxBytes = 1e9, served }: Partial<Changes> = {},
  ) {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const log = {
      info: say,
      warning: say,
      debug: () => undefined,
      plain: say,
      startGroup: say,
      endGroup: () => undefined,
    };
    const stop = new AbortController();
    const tools = { exec, log, signal: stop.signal, timeline: startTimeline() };
    const plan = { folder, draft: join(folder, ".run.draft"), maxBytes };
    const context = join(FIXTURE, "dashboard");
    const labels = { [LABEL]: "1" };
    const caches = new PackageCaches(
      { plan, image: IMAGE, container: NAME, context, labels, runDirectory: root },
      tools,
    );
    const model: ComposeModel = {
      name: NAME,
      services: {
        dashboard: {
          ...{ image: IMAGE, container_name: NAME, pull_policy: "never", labels },
          environment: { STARTUP_SECONDS: "0.1", ...dashboardVariables(registry), ...environment },
          ports: [{ mode: "ingress", target: 8000, published: `${PORT}`, host_ip: "127.0.0.1", protocol: "tcp" }],
          command: ["bash", "-c", `${before}\nexec /usr/app/start-dashboard.sh`],
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
      await served?.();
      const report = await caches.keep();
      const containerLog = await sh("sh", ["-c", `docker logs ${NAME} 2>&1`]);
      return { lines, report, containerLog, downloads: registry.takeDownloads(), kept: await readdir(folder) };
    } finally {
      await removeLabelled(`${LABEL}=1`, exec);
    }
  }

  it("are kept, and a second start installs from them", async () => {
    const folder = await newFolder();
    filledFolder = folder;
    const cold = await boot(folder);
    assert.deepEqual(cold.downloads, ALL);
    assert.match(cold.report.key, /^[0-9a-f]{16}$/);
    assert.deepEqual(cold.kept.map((name) => name.replace(/[0-9a-f]{64}/, "X")).toSorted(), [
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
    assert.deepEqual([second.report.key, second.kept.toSorted()], ["", cold.kept.toSorted()]);
    assert.match(second.lines.join("\n"), /package caches of 2 MB restored \(composer, npm, pip\); unchanged/);
  });

  /** A folder with the caches of a dashboard that has installed everything. */
  const filled = async () => {
    const folder = await newFolder();
    for (const name of await readdir(filledFolder)) await cp(join(filledFolder, name), join(folder, name));
    return folder;
  };
  const find = async (folder: string, tool: string) =>
    join(folder, (await readdir(folder)).find((name) => name.startsWith(tool)) ?? assert.fail(`no ${tool}`));

  it("that are damaged are not restored; the others are", async () => {
    const folder = await filled();
    await truncate(await find(folder, "npm"), 300_000);
    // This one is what it was kept as, but no archive.
    const pip = await find(folder, "pip");
    await writeFile(pip, "not a tar archive");
    await rename(pip, join(folder, `pip.${await checksumOf(pip)}.tar`));
    const { downloads, lines } = await boot(folder);
    assert.deepEqual(downloads, { ...NONE, npm: ALL.npm, pip: ALL.pip });
    assert.match(lines.join("\n"), /npm's package cache is not restored: .*npm\.\w+\.tar is damaged: its checksum/);
    assert.match(lines.join("\n"), /pip's package cache is not restored: .*failed with exit code/);
  });

  it("that make an installation fail are left out of a second start", async () => {
    const folder = await filled();
    const archive = await find(folder, "composer");
    const unpacked = await newFolder();
    await sh("tar", ["-xf", archive, "-C", unpacked]);
    const zips = (await sh("find", [unpacked, "-name", "*.zip"])).split("\n");
    await truncate(zips[0] ?? "", 1000);
    await sh("tar", ["-C", unpacked, "-cf", archive, "composer"]);
    await rename(archive, join(folder, `composer.${await checksumOf(archive)}.tar`));
    const { downloads, lines } = await boot(folder);
    assert.deepEqual(downloads, ALL);
    assert.match(
      lines.join("\n"),
      /started again without the restored package caches, which may be broken: The dashboard/,
    );
  });

  it("hold nothing of the runner, whatever the container puts there", async () => {
    const folder = await newFolder();
    const before = `mkdir -p ${CACHE_MOUNT}/pip; cd ${CACHE_MOUNT}/pip; ln -s /etc/hostname link && ln -s ../../../.. up &&
      mkfifo fifo && mknod device b 7 0; ln -s /etc ${CACHE_MOUNT}/_logs; touch "$(printf 'a\\nb')" -- --checkpoint=1; cd /usr/app/dashboard`;
    await boot(folder, { before });
    const files = await readdir(folder, { withFileTypes: true });
    assert.ok(files.length === 3 && files.every((file) => file.isFile() && file.name.endsWith(".tar")), `${files}`);
    assert.match(await sh("tar", ["-tvf", await find(folder, "pip")]), /^l.* pip\/link -> \/etc\/hostname$/m);
    assert.deepEqual((await boot(folder)).downloads, NONE);
  });

  it("that the disk has no room for are not kept, and nothing half is left", async () => {
    const small = await newFolder();
    const [mount, args] = asRoot("mount", ["-t", "tmpfs", "-o", "size=700k,mode=777", "tmpfs", small]);
    await sh(mount, args);
    try {
      const full = await boot(small);
      assert.match(full.lines.join("\n"), /npm's package cache is not kept: .*no space left on device/i);
      assert.doesNotMatch(full.kept.join(), /draft/);
    } finally {
      const [unmount, target] = asRoot("umount", [small]);
      await sh(unmount, target);
    }
  });

  it("stay where a compose file has them, have a limit, and are not offered to a container that is not root's", async () => {
    const folder = await newFolder();
    const environment = { COMPOSER_CACHE_DIR: "/tmp/own", PIP_NO_CACHE_DIR: "1" };
    const own = await boot(folder, { environment, maxBytes: 900_000 });
    assert.match(own.lines.join("\n"), /composer's cache is not kept: .*sets COMPOSER_CACHE_DIR/);
    assert.match(own.lines.join("\n"), /npm's package cache is not kept: there is more than 900 kB in all/);
    assert.deepEqual(own.kept, []);
    const before =
      "cp -r /usr/app/dashboard /tmp/d; sed s,/usr/app/dashboard,/tmp/d, /usr/local/bin/pip3 > /tmp/pip3; cd /tmp/d; export HOME=/tmp";
    const other = await boot(folder, { service: { user: "1000:1000" }, before });
    assert.match(other.lines.join("\n"), /gets no package caches: its container runs as 1000:1000, not as root/);
    assert.deepEqual(other.downloads, ALL);
  });

  it("serve a script that has another user install the packages", async () => {
    const folder = await newFolder();
    const user = "setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/tmp";
    const before = `chown -R 1000 /usr/app/dashboard; exec ${user} /usr/app/start-dashboard.sh`;
    assert.equal((await boot(folder, { before })).kept.length, 3);
    assert.deepEqual((await boot(folder, { before })).downloads, NONE);
  });

  it("are not written elsewhere when their folder leads elsewhere in the meantime", async () => {
    const [folder, elsewhere] = [await newFolder(), await newFolder()];
    const moved = () => rename(folder, `${folder} before`).then(() => symlink(elsewhere, folder));
    const { lines } = await boot(folder, { served: moved });
    assert.match(lines.join("\n"), /The package caches are not kept: .* now leads to /);
    assert.deepEqual(await readdir(elsewhere), []);
  });
});

/** A whole boot: what an earlier one has left is used, what is missing is added, and post leaves nothing but that. */
describe("a boot with kept package caches", () => {
  const CLUSTER = "packages";

  it("installs from them, adds what is new, and leaves no volume", async () => {
    const run = await prepareRun(await prepareMachine(), {
      ...{ "cluster-name": CLUSTER, workers: "0", torch: "torch_v2" },
      "torch-package-cache": "../temp/packages",
    });
    try {
      const torch = join(run.folders.workspace, "torch_v2");
      const settings = Object.entries({ ...dashboardVariables(registry), STARTUP_SECONDS: "1" });
      const variables = ["environment:", ...settings.map(([name, value]) => `      - ${name}=${value}`)].join("\n");
      await placeTorch(torch, {
        [`${DOCKER}/docker-compose-torch-dashboard-solver.yaml`]: (text) => text.replace("environment:", variables),
      });
      await useLightServices(torch);
      const folder = join(run.folders.temp, "packages");
      await mkdir(folder);
      for (const name of await readdir(filledFolder)) {
        if (!name.startsWith("pip")) await cp(join(filledFolder, name), join(folder, name));
      }
      registry.takeDownloads();
      const { exitCode, log, outputs } = await run.main();
      assert.equal(exitCode, 0, log.join("\n"));
      assert.deepEqual(registry.takeDownloads(), { ...NONE, pip: ALL.pip });
      assert.match(log.join("\n"), /dashboard: package caches of 2 MB restored \(composer, npm\); kept: pip 411 kB/);
      assert.match(outputs["torch-package-cache-key"] ?? "", /^[0-9a-f]{16}$/);
      assert.equal((await readdir(folder)).length, 3);
    } finally {
      assert.equal((await run.post()).exitCode, 0);
      assert.deepEqual([...(await torchLeftovers(CLUSTER)), ...(await dockerLeftovers(CLUSTER))], []);
      await run.dispose();
    }
  });
});
