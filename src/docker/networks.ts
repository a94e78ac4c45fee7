import { CommandError, type Exec } from "../exec.ts";

/** The Docker network that kind makes and puts its nodes into. */
export const KIND_NETWORK = "kind";

/** The network whose gateway containers of any network know as the Docker host (`host-gateway`). */
export const DEFAULT_NETWORK = "bridge";

/** A Docker network. */
export interface DockerNetwork {
  /** The IPv4 gateway. */
  readonly gateway: string | undefined;
  readonly subnets: readonly string[];
}

/** Looks at a network; `undefined` where it does not exist. */
export async function findNetwork(network: string, exec: Exec): Promise<DockerNetwork | undefined> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: [
        ...["network", "inspect", network],
        ...["--format", "{{range .IPAM.Config}}{{println .Subnet}}{{println .Gateway}}{{end}}"],
      ],
      timeoutSeconds: 30,
      purpose: `inspecting the network ${network}`,
    });
    const lines = stdout.split("\n");
    return {
      gateway: lines.find((line) => /^\d+(\.\d+){3}$/.test(line)),
      subnets: lines.filter((line) => line.includes("/")),
    };
  } catch (error) {
    if (error instanceof CommandError && /not found|no such network/i.test(error.stderr)) return undefined;
    throw error;
  }
}

/** The IPv4 gateway of a network; `undefined` where the network does not exist. */
export async function findGateway(network: string, exec: Exec): Promise<string | undefined> {
  return (await findNetwork(network, exec))?.gateway;
}
