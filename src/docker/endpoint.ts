import type { Exec } from "../exec.ts";
import { docker } from "./client.ts";

/** How Docker's client reaches the engine, such as `unix:///var/run/docker.sock`. */
export async function readEndpoint(exec: Exec): Promise<string> {
  const options = { timeoutSeconds: 30, purpose: "asking how Docker is reached" };
  return (await docker(["context", "inspect", "--format={{.Endpoints.docker.Host}}"], options, exec)).stdout.trim();
}
