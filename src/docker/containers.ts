/** A container of a cluster, with what proves whose it is. */

import { CommandError, type Exec } from "../exec.ts";
import { KIND_CLUSTER_LABEL } from "./labels.ts";

/** A container of a cluster, with what proves which run it belongs to. */
export interface ClusterContainer {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly created: string;
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

const INSPECT_FORMAT = `{"id":{{json .Id}},"name":{{json .Name}},"labels":{{json .Config.Labels}},"created":{{json .Created}},"mounts":{{json .Mounts}}}`;

function parseContainer(line: string): ClusterContainer {
  const read: {
    readonly id: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly created: string;
    readonly mounts: readonly { readonly Source: string; readonly Destination: string }[] | null;
  } = JSON.parse(line);
  return {
    id: read.id,
    name: read.name.replace(/^\//, ""),
    cluster: read.labels[KIND_CLUSTER_LABEL] ?? "",
    created: read.created,
    mounts: (read.mounts ?? []).map((mount) => ({ source: mount.Source, destination: mount.Destination })),
  };
}

async function listOnce(exec: Exec, cluster: string | undefined): Promise<readonly ClusterContainer[]> {
  const label = cluster === undefined ? KIND_CLUSTER_LABEL : `${KIND_CLUSTER_LABEL}=${cluster}`;
  const { stdout: ids } = await exec({
    file: "docker",
    args: ["ps", "--all", "--quiet", "--no-trunc", "--filter", `label=${label}`],
    timeoutSeconds: 60,
    purpose: "listing the cluster's containers",
  });
  const wanted = ids.split("\n").filter((id) => id !== "");
  if (wanted.length === 0) return [];
  const { stdout } = await exec({
    file: "docker",
    args: ["inspect", "--format", INSPECT_FORMAT, ...wanted],
    timeoutSeconds: 60,
    purpose: "inspecting the cluster's containers",
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(parseContainer);
}

/** The containers of a cluster, running or not. With no name: those of every cluster. */
export async function listClusterContainers(exec: Exec, cluster?: string): Promise<readonly ClusterContainer[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(exec, cluster);
    } catch (error) {
      // One that was removed between the two questions is no container any more: ask again.
      const vanished = error instanceof CommandError && /no such (object|container)/i.test(error.stderr);
      if (!vanished || tries === 5) throw error;
    }
  }
}

/** A container's name that is in use. */
export interface HeldName {
  readonly name: string;
  /** The kind cluster that the container's label names; empty where it has none. */
  readonly cluster: string;
  readonly image: string;
  /** In Docker's words, such as `Exited (0) 2 hours ago`. */
  readonly status: string;
}
const NAME_FORMAT = `{"names":{{json .Names}},"cluster":{{json (.Label "${KIND_CLUSTER_LABEL}")}},"image":{{json .Image}},"status":{{json .Status}}}`;

/** The names of all containers, running or not. */
export async function listNames(exec: Exec): Promise<readonly HeldName[]> {
  const { stdout } = await exec({
    file: "docker",
    args: ["ps", "--all", "--format", NAME_FORMAT],
    timeoutSeconds: 60,
    purpose: "listing the containers' names",
  });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const read: { readonly names: string } & Omit<HeldName, "name"> = JSON.parse(line);
      // A container that others are linked to has their aliases too, such as web/db.
      return read.names
        .split(",")
        .filter((name) => !name.includes("/"))
        .map((name) => ({ name, cluster: read.cluster, image: read.image, status: read.status }));
    });
}

/** Sets a container's weight for the processors. */
export async function setShares(container: string, shares: number, exec: Exec): Promise<void> {
  await exec({
    file: "docker",
    args: ["update", `--cpu-shares=${shares}`, container],
    timeoutSeconds: 60,
    purpose: `setting the processor share of ${container}`,
  });
}
