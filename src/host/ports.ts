import { createServer } from "node:net";

/** A port of this machine that a kind configuration asks for. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
  /** Where in the configuration it is asked for. */
  readonly source: string;
}

/** Those of the ports that something else listens on already. */
export async function findTakenPorts(ports: readonly HostPort[]): Promise<readonly HostPort[]> {
  const taken = await Promise.all(ports.map(isTaken));
  return ports.filter((_, index) => taken[index]);
}

function isTaken({ address, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}
