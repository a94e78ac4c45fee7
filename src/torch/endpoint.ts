import type { UserConfiguration } from "../cluster/config/read.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import type { DockerEngine } from "../docker/engine.ts";
import type { Problem } from "../errors.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { TorchInputs } from "../inputs/torch.ts";

/** The name by which containers outside kind's network reach the Docker host; Docker itself uses it. */
export const DOCKER_HOST_NAME = "host.docker.internal";

/**
 * With `torch-endpoint: external` containers reach the API server through the Docker host: it is published on the gateway of
 * Docker's default network, where they reach the host, and its certificate has the host's name.
 */
export function applyTorchEndpoint(
  inputs: Inputs,
  user: UserConfiguration | undefined,
  defaultGateway: string | undefined,
): Inputs {
  if (inputs.torch?.endpoint !== "external") return inputs;
  const explicit = inputs.apiServerAddress !== undefined || user?.networking.apiServerAddress !== undefined;
  return {
    ...inputs,
    apiServerAddress: explicit ? inputs.apiServerAddress : defaultGateway,
    extraSans: [...new Set([...inputs.extraSans, DOCKER_HOST_NAME])],
  };
}

/** Whether containers can reach the API server where it is published. */
export function checkEndpoint(
  { endpoint }: TorchInputs,
  { apiServerAddress, addressField }: Pick<ClusterShape, "apiServerAddress" | "addressField">,
  engine: DockerEngine | Error,
): readonly Problem[] {
  if (endpoint === "internal" || !/^127\.|^::1$/.test(apiServerAddress)) return [];
  // Without an engine the gateway is not known, and this is the default address.
  if (engine instanceof Error) return [];
  return [
    {
      input: `torch-endpoint and ${addressField.input}`,
      value: `${endpoint} and ${addressField.value}`,
      reason: `lets containers connect to the Docker host, but the API server is published on ${apiServerAddress}, where they cannot reach it`,
      allowed: "torch-endpoint: external with the API server on the gateway of Docker's default network, or on 0.0.0.0",
      fix: `remove ${addressField.input === "api-server-address" ? "api-server-address" : "networking.apiServerAddress"}, or set it to 0.0.0.0`,
    },
  ];
}

/** The API server's endpoint as TORCH-V2's containers reach it. @param publishedPort on the engine's machine. */
export function chooseEndpoint(endpoint: TorchInputs["endpoint"], internal: string, publishedPort: number): string {
  return endpoint === "internal" ? internal : `https://${DOCKER_HOST_NAME}:${publishedPort}`;
}
