import { array, nullable, object, record, string } from "valibot";
import type { Exec } from "../exec.ts";
import { readJson } from "../values/json.ts";
import { isMissing } from "./client.ts";
import { inspectContainers, listContainerIds } from "./containers.ts";
import { KIND_CLUSTER_LABEL } from "./labels.ts";

/** A container with the label of a kind cluster, and with what proves which run it belongs to. */
export interface ClusterContainer {
  readonly id: string;
  readonly name: string;
  readonly cluster: string;
  readonly created: string;
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

/** How often the containers are listed while others of them are being removed. */
const MAX_TRIES = 5;

/** The containers of a cluster, running or not; of every cluster if no name is given. */
export async function listClusterContainers(exec: Exec, cluster?: string): Promise<readonly ClusterContainer[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(exec, cluster);
    } catch (error) {
      // A container was removed between listing and inspecting.
      if (!isMissing("container", error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function listOnce(exec: Exec, cluster: string | undefined): Promise<readonly ClusterContainer[]> {
  const label = cluster === undefined ? KIND_CLUSTER_LABEL : `${KIND_CLUSTER_LABEL}=${cluster}`;
  const listing = { timeoutSeconds: 60, purpose: "listing the cluster's containers" };
  const ids = await listContainerIds([`label=${label}`], listing, exec);
  if (ids.length === 0) return [];
  const inspecting = { timeoutSeconds: 60, purpose: "inspecting the cluster's containers" };
  return (await inspectContainers(ids, INSPECT_FORMAT, inspecting, exec)).map(parseContainer);
}

const INSPECT_FORMAT = `{"id":{{json .Id}},"name":{{json .Name}},"labels":{{json .Config.Labels}},"created":{{json .Created}},"mounts":{{json .Mounts}}}`;
const INSPECTED = object({
  id: string(),
  name: string(),
  labels: record(string(), string()),
  created: string(),
  mounts: nullable(array(object({ Source: string(), Destination: string() }))),
});

function parseContainer(line: string): ClusterContainer {
  const { id, name, labels, created, mounts } = readJson(INSPECTED, line);
  return {
    id,
    name: name.replace(/^\//, ""),
    cluster: labels[KIND_CLUSTER_LABEL] ?? "",
    created,
    mounts: (mounts ?? []).map(({ Source, Destination }) => ({ source: Source, destination: Destination })),
  };
}
