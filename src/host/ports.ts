import { createServer } from "node:net";

/** A port of this machine that a kind configuration asks for. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
  /** Where in the configuration it is asked for. */
  readonly source: string;
}

/** Those of the ports that something else listens on already, and those whose address the machine has not; 0 is any port. */
export async function findTakenPorts(ports: readonly HostPort[]): Promise<readonly HostPort[]> {
  const taken = await Promise.all(ports.map(isTaken));
  return ports.filter((_, index) => taken[index]);
}

function isTaken({ address, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code === "EADDRINUSE" || code === "EADDRNOTAVAIL"),
    );
    server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(false)));
  });
}
