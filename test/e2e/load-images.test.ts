import assert from "node:assert/strict";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { inspectEngine } from "../../src/docker/engine.ts";
import { planPlatform, saveImages } from "../../src/docker/save.ts";
import { createExec, type Exec } from "../../src/exec.ts";
import { kubeletPatches, newestMinor, ports } from "../../testbed/releases.ts";
import { WITHOUT_ROOT } from "../privileges.ts";
import { type ActionRun, machineOf, OFFICIAL_PROBE, prepareRun, sh } from "./harness.ts";
import { startContainerdStore } from "./second-engine.ts";
import { buildPause, importImage, type PauseLayer, writeIndex } from "./small-images.ts";

const CLUSTER = "e2e-load";
const IN_DOCKER = ["load-test/in-docker:1", "load-test/in-docker-too:1"] as const;
const IN_ARCHIVE = "load-test/in-archive:1";
/** Of two platforms with attestations, saved by an engine with containerd's store. */
const IN_STORE = "load-test/in-store:1";
/** The same, in this job's Docker where that keeps images in containerd's store. */
const IN_INDEX = "load-test/in-index:1";

describe("load-images", { skip: WITHOUT_ROOT }, () => {
  let layer: PauseLayer;
  /** An image that Docker does not have, but a registry. */
  let pulled: string;
  /** What Docker has before the run. */
  let inDocker: readonly string[] = IN_DOCKER;

  before(async () => {
    layer = await buildPause();
    const bed = await raiseBedFor(undefined, console.error);
    for (const image of [...IN_DOCKER, IN_ARCHIVE]) await importImage(layer, image);
    if ((await sh("docker", ["info", "--format={{.DriverStatus}}"])).includes("io.containerd.snapshotter")) {
      const index = `${layer.file}.index`;
      await writeIndex(layer, `docker.io/${IN_INDEX}`, index);
      await sh("docker", ["load", `--input=${index}`]);
      inDocker = [...IN_DOCKER, IN_INDEX];
    }
    pulled = bed.official ? OFFICIAL_PROBE : `127.0.0.1:${ports.registry}/load-test/pulled:1`;
    if (!bed.official) {
      await importImage(layer, pulled);
      await sh("docker", ["push", "--quiet", pulled]);
    }
  });
  after(async () => {
    await sh("docker", ["image", "rm", "--force", ...inDocker, IN_ARCHIVE, pulled]);
    await layer.remove();
  });

  /** Writes both archives into a run's workspace. */
  async function writeArchives({ folders }: ActionRun): Promise<void> {
    await sh("docker", ["save", `--output=${join(folders.workspace, "classic.tar")}`, IN_ARCHIVE]);
    const engine = await startContainerdStore();
    try {
      const index = join(folders.temp, "index.tar");
      await writeIndex(layer, `docker.io/${IN_STORE}`, index);
      await engine.docker("load", `--input=${index}`);
      const exec: Exec = (command) =>
        createExec(folders.temp)({ ...command, env: { ...command.env, DOCKER_HOST: engine.host } });
      const found = await inspectEngine(exec);
      assert.notEqual(found.imageStore, undefined);
      const platform = planPlatform(found, process.arch === "x64" ? "amd64" : process.arch);
      await saveImages([IN_STORE], join(folders.workspace, "store.tar"), platform, exec);
    } finally {
      await engine.end();
    }
  }

  for (const [minor, workers] of [
    ["1.28", 1],
    [newestMinor(), 0],
  ] as const) {
    describe(`Kubernetes ${minor}, ${workers + 1} node(s)`, () => {
      let run: ActionRun;
      let result: Awaited<ReturnType<ActionRun["main"]>>;
      const images = () => [...inDocker, pulled, IN_ARCHIVE, IN_STORE];
      const nodes = [`${CLUSTER}-control-plane`, ...Array(workers).fill(`${CLUSTER}-worker`)];

      before(async () => {
        run = await prepareRun(machineOf(await raiseBedFor(minor, console.error)), {
          "kubernetes-version": minor,
          "kind-config": JSON.stringify({
            kind: "Cluster",
            apiVersion: "kind.x-k8s.io/v1alpha4",
            name: CLUSTER,
            nodes: [{ role: "control-plane" }, ...Array(workers).fill({ role: "worker" })],
            kubeadmConfigPatches: kubeletPatches(minor),
          }),
          "load-images": `${inDocker.join(", ")}\n${pulled}\nclassic.tar\nstore.tar`,
        });
        await writeArchives(run);
        await sh("docker", ["image", "rm", "--force", pulled]);
        result = await run.main();
      });
      after(async () => {
        await run.post();
        await run.dispose();
      });

      it("succeeds, and says of each image where it came from and when it was on all nodes", () => {
        assert.equal(result.exitCode, 0, result.log.join("\n"));
        const log = result.log.join("\n");
        const origins = {
          ...Object.fromEntries(inDocker.map((image) => [image, "in Docker already"])),
          [pulled]: "pulled",
          [`docker.io/${IN_ARCHIVE}`]: `archive ${join(run.folders.workspace, "classic.tar")}`,
          [`docker.io/${IN_STORE}`]: `archive ${join(run.folders.workspace, "store.tar")}`,
        };
        for (const [image, origin] of Object.entries(origins)) {
          assert.ok(log.includes(`s  ${image}: on all ${nodes.length} node(s) (${origin})`), `${image} in ${log}`);
          assert.match(result.summary, new RegExp(`\\| Images loaded \\|.*${image}`));
        }
      });

      it("loads while kubeadm still runs", () => {
        const at = (name: string) => {
          const row = new RegExp(`^\\| ${name} \\| ([\\d.]+) s \\| ([\\d.]+) s \\|$`, "m").exec(result.summary);
          assert.ok(row, name);
          return { from: Number(row[1]), to: Number(row[1]) + Number(row[2]) };
        };
        assert.ok(at("Load images").from < at("Create cluster").to);
      });

      it("runs each of them on each node in a pod that never pulls", async () => {
        const pods = images().flatMap((image, number) =>
          nodes.map((node, index) => ({
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name: `image-${number}-${index}`, namespace: "default" },
            spec: {
              nodeName: node,
              terminationGracePeriodSeconds: 0,
              containers: [{ name: "pause", image, imagePullPolicy: "Never" }],
            },
          })),
        );
        const file = join(run.folders.temp, "pods.json");
        await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: pods }));
        const kubectl = (...args: readonly string[]) =>
          sh(result.outputs["kubectl-path"] ?? "", [`--kubeconfig=${result.outputs.kubeconfig}`, ...args]);
        await kubectl("apply", `--filename=${file}`);
        await kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s");
      });

      it("keeps no copy of them once the nodes have theirs", async () => {
        const folder = dirname(result.outputs.kubeconfig ?? "");
        assert.ok(!(await readdir(folder)).includes("images"));
      });
    });
  }

  describe("what cannot be loaded", () => {
    const fails = async (value: string, prepare: (run: ActionRun) => Promise<void> = async () => {}) => {
      const run = await prepareRun(machineOf(await raiseBedFor("1.28", console.error)), {
        "cluster-name": "e2e-load-fails",
        workers: "0",
        "load-images": value,
      });
      try {
        await prepare(run);
        const result = await run.main();
        assert.equal(result.exitCode, 1);
        return result.log.join("\n");
      } finally {
        await run.post();
        await run.dispose();
      }
    };

    it("is named if no registry has it either", async () => {
      const absent = pulled.replace(/[^/]*$/, "absent:1");
      const log = await fails(`${IN_DOCKER[0]}, ${absent}`);
      assert.ok(log.includes(`load-images: ${absent} is not in this job's Docker, and cannot be pulled.`), log);
      assert.match(log, /Fix: build it or load it into Docker in an earlier step/);
    });

    it("is refused up front, all at once, if it is an archive that is missing or none", async () => {
      const log = await fails("missing.tar, text.tar, my-app, other.tar.gz", ({ folders }) =>
        writeFile(join(folders.workspace, "text.tar"), "text"),
      );
      for (const text of [
        /missing\.tar\\?" does not exist/,
        /text\.tar\\?" is not a tar archive/,
        /"my-app\\?" is not an image reference with a tag/,
        /"other\.tar\.gz\\?" is a compressed archive/,
      ]) {
        assert.match(log, text);
      }
      assert.doesNotMatch(log, /Creating cluster/);
    });

    it("is named with the node and containerd's words if an archive is not whole inside", async () => {
      const log = await fails("broken.tar", async ({ folders }) => {
        const { workspace } = folders;
        await sh("docker", ["save", `--output=${join(workspace, "whole.tar")}`, IN_ARCHIVE]);
        await sh("mkdir", [join(workspace, "whole")]);
        await sh("tar", ["-C", join(workspace, "whole"), "-xf", join(workspace, "whole.tar")]);
        // Without its layer, the largest of its files.
        const blobs = join(workspace, "whole/blobs/sha256");
        const sizes = await Promise.all(
          (await readdir(blobs)).map(async (name) => [(await stat(join(blobs, name))).size, name] as const),
        );
        await rm(join(blobs, sizes.toSorted(([one], [other]) => other - one)[0]?.[1] ?? ""));
        await sh("tar", ["-C", join(workspace, "whole"), "-cf", join(workspace, "broken.tar"), "."]);
      });
      assert.match(
        log,
        /loading docker\.io\/load-test\/in-archive:1 into e2e-load-fails-control-plane: .*is not whole.*incomplete \(1\/2\)/s,
      );
    });
  });
});
