import { CommandError, type Exec } from "../exec.ts";
import { type DockerOptions, docker, isMissing, linesOf } from "./client.ts";

/** The Docker network that kind creates and puts its nodes into. */
export const KIND_NETWORK = "kind";

/** The network whose gateway containers of any network know as the Docker host (`host-gateway`). */
export const DEFAULT_NETWORK = "bridge";

/** A Docker network. */
export interface DockerNetwork {
  /** The IPv4 gateway. */
  readonly gateway: string | undefined;
  readonly subnets: readonly string[];
}

const SUBNETS = "{{range .IPAM.Config}}{{println .Subnet}}{{println .Gateway}}{{end}}";

/** Finds a network; `undefined` if it does not exist. */
export async function findNetwork(network: string, exec: Exec): Promise<DockerNetwork | undefined> {
  const found = await inspectNetwork(network, SUBNETS, `inspecting the network ${network}`, exec);
  if (found === undefined) return undefined;
  const lines = found.split("\n");
  return {
    gateway: lines.find((line) => /^\d+(\.\d+){3}$/.test(line)),
    subnets: lines.filter((line) => line.includes("/")),
  };
}

/** The IPv4 gateway of a network; `undefined` if the network does not exist. */
export async function findGateway(network: string, exec: Exec): Promise<string | undefined> {
  return (await findNetwork(network, exec))?.gateway;
}

/** The option of a network's driver for the MTU. */
export const MTU_OPTION = "com.docker.network.driver.mtu";

/** The MTU of Docker's default network; `undefined` if it has none of its own, or if the daemon runs without that network. */
export async function findDefaultMtu(exec: Exec): Promise<number | undefined> {
  const format = `{{index .Options "${MTU_OPTION}"}}`;
  const found = await inspectNetwork(DEFAULT_NETWORK, format, "reading the default network's MTU", exec);
  return /^[1-9]\d*$/.test(found?.trim() ?? "") ? Number(found) : undefined;
}

/** What Docker knows of a network; `undefined` if it does not exist. @param format as Docker's client takes it. */
async function inspectNetwork(
  network: string,
  format: string,
  purpose: string,
  exec: Exec,
): Promise<string | undefined> {
  try {
    const args = ["network", "inspect", network, "--format", format];
    return (await docker(args, { timeoutSeconds: 30, purpose }, exec)).stdout;
  } catch (error) {
    if (isMissing("network", error)) return undefined;
    throw error;
  }
}

/** Creates a network with labels. */
export async function createNetwork(
  network: string,
  labels: Readonly<Record<string, string>>,
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  const marks = Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`);
  await docker(["network", "create", ...marks, network], options, exec);
}

/** Connects a container to a network. */
export async function connectContainer(network: string, container: string, exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: `joining the network ${network}` };
  try {
    await docker(["network", "connect", network, container], options, exec);
  } catch (error) {
    const joined = error instanceof CommandError && /already exists in network/.test(error.stderr);
    if (!joined) throw error;
  }
}

/** Disconnects a container from a network; one that is not in it, or is gone, is. */
export async function disconnectContainer(network: string, container: string, exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: `leaving the network ${network}` };
  try {
    await docker(["network", "disconnect", "--force", network, container], options, exec);
  } catch (error) {
    const gone =
      error instanceof CommandError &&
      /is not connected|(?:network|container|endpoint) \S+ not found|no such (?:network|container)/i.test(error.stderr);
    if (!gone) throw error;
  }
}

/** The subnets of every network. */
export async function listSubnets(
  exec: Exec,
): Promise<readonly { readonly network: string; readonly subnet: string }[]> {
  const listing = { timeoutSeconds: 30, purpose: "listing the networks" };
  const ids = linesOf((await docker(["network", "ls", "--quiet"], listing, exec)).stdout);
  const found = await Promise.all(
    ids.map((id) => inspectNetwork(id, `{{println .Name}}${SUBNETS}`, "inspecting the networks", exec)),
  );
  return found.flatMap((text) => {
    const [network = "", ...lines] = linesOf(text ?? "");
    return lines.filter((line) => line.includes("/")).map((subnet) => ({ network, subnet }));
  });
}

/** The ids of the networks with a label. */
export async function listNetworks(label: string, options: DockerOptions, exec: Exec): Promise<readonly string[]> {
  return linesOf((await docker(["network", "ls", "--quiet", `--filter=label=${label}`], options, exec)).stdout);
}

/** Removes networks. */
export async function removeNetworks(networks: readonly string[], options: DockerOptions, exec: Exec): Promise<void> {
  if (networks.length > 0) await docker(["network", "rm", ...networks], options, exec);
}
