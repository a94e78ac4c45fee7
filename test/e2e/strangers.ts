import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Machine, sh } from "./harness.ts";
import { installKind, usualNodeImage } from "./plain-kind.ts";

/** What others have on the machine: a container with a network and a volume, and a cluster of plain kind. */
export interface Strangers {
  /** All of it runs as it did, and was not restarted. */
  expectUntouched(): Promise<void>;
  remove(): Promise<void>;
}

/** @param prefix of their names: that of the runs' clusters, so that a filter by name would find them too. */
export async function makeStrangers(machine: Machine, prefix: string): Promise<Strangers> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-strangers-"));
  const name = `${prefix}-stranger`;
  const cluster = `${prefix}-plain`;
  const node = `${cluster}-control-plane`;
  const kubeconfig = join(folder, "kubeconfig");
  const remove = async () => {
    const quietly = (...args: readonly string[]) => sh("docker", args).catch(() => undefined);
    await quietly("rm", "--force", "--volumes", name, node);
    await quietly("network", "rm", name);
    await quietly("volume", "rm", name);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { kind } = await installKind(machine, "1.28", join(folder, "kind"));
    const image = await usualNodeImage(machine, folder);
    await sh("docker", ["network", "create", name]);
    await sh("docker", ["volume", "create", name]);
    const options = ["--name", name, "--network", name, "--volume", `${name}:/data`];
    await sh("docker", ["run", "--detach", ...options, machine.probeImage, "pause"]);
    const create = ["create", "cluster", "--name", cluster, "--image", image, "--kubeconfig", kubeconfig];
    await sh(kind, [...create, "--wait", "120s"], 400);
    const look = () => lookAt(name, node);
    const before = await look();
    return {
      expectUntouched: async () => {
        assert.deepEqual(await look(), before);
        assert.equal(await inNode(node, "get", "--raw", "/readyz"), "ok");
      },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

const RUNNING = "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}} {{json .NetworkSettings.Networks}}";
/** A line each: Docker has them in any order. */
const MOUNTS = "{{range .Mounts}}{{println .Type .Name .Source .Destination .RW}}{{end}}";

async function lookAt(name: string, node: string): Promise<readonly string[]> {
  const text = await Promise.all([
    sh("docker", ["inspect", "--format", RUNNING, name, node]),
    sh("docker", ["inspect", "--format", MOUNTS, name, node]),
    sh("docker", ["network", "inspect", "--format", "{{.Id}} {{len .Containers}}", name]),
    sh("docker", ["volume", "inspect", "--format", "{{.Name}} {{.CreatedAt}}", name]),
    inNode(node, "get", "nodes", "--output=jsonpath={.items[*].metadata.uid}"),
  ]);
  return text.join("\n").split("\n").toSorted();
}

function inNode(node: string, ...args: readonly string[]): Promise<string> {
  return sh("docker", ["exec", node, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...args]);
}
