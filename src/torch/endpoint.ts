import type { UserConfiguration } from "../cluster/config/read.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import type { DockerEngine } from "../docker/engine.ts";
import type { Problem } from "../errors.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { TorchInputs } from "../inputs/torch.ts";

/** The Docker host as containers outside kind's network call it, by the name that Docker itself uses for it. */
export const DOCKER_HOST_NAME = "host.docker.internal";

/**
 * With `torch-endpoint: external` the API server must be reached through the Docker host: it is published where
 * containers reach that, on the gateway of Docker's default network, and its certificate names the host.
 */
export function applyTorchEndpoint(
  inputs: Inputs,
  user: UserConfiguration | undefined,
  defaultGateway: string | undefined,
): Inputs {
  if (inputs.torch?.endpoint !== "external") return inputs;
  const told = inputs.apiServerAddress !== undefined || user?.networking.apiServerAddress !== undefined;
  return {
    ...inputs,
    apiServerAddress: told ? inputs.apiServerAddress : defaultGateway,
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
  // The default stands here where the gateway is not known.
  if (engine instanceof Error) return [];
  return [
    {
      input: `torch-endpoint and ${addressField.input}`,
      value: `${endpoint} and ${addressField.value}`,
      reason: `has containers connect to the Docker host, and the API server is published on ${apiServerAddress}, where they do not reach it`,
      allowed: "torch-endpoint: external with the API server on the gateway of Docker's default network, or on 0.0.0.0",
      fix: `leave ${addressField.input === "api-server-address" ? "api-server-address" : "networking.apiServerAddress"} out, or set it to 0.0.0.0`,
    },
  ];
}

/** The API server's endpoint as TORCH-V2's containers reach it. */
export function chooseEndpoint(endpoint: TorchInputs["endpoint"], internal: string, external: string): string {
  return endpoint === "internal" ? internal : `https://${DOCKER_HOST_NAME}:${new URL(external).port}`;
}
