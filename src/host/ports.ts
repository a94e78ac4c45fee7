import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";

/** A port of this machine that a kind configuration or a compose file asks for. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Where in the configuration it is asked for. */
  readonly source: string;
  /** Whether the address was written there; else it is a default. */
  readonly addressWritten: boolean;
}

/** A port that cannot be published here, and why. */
export interface TakenPort extends HostPort {
  readonly trouble: "in use" | "no such address";
}

/**
 * Those of the ports that something on this machine listens on, and those whose address the machine does not have. They
 * are tried one after the other: two of them may be the same.
 */
export async function findPortsInUse(ports: readonly HostPort[]): Promise<readonly TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const port of ports) {
    const trouble = judge(await listen(port));
    if (trouble !== undefined) taken.push({ ...port, trouble });
  }
  return taken;
}

/** Whether this machine can listen on an address. */
export async function isOwnAddress(address: string): Promise<boolean> {
  return judge(await listen({ address, port: 0, protocol: "tcp" })) !== "no such address";
}

function judge(code: string | undefined): TakenPort["trouble"] | undefined {
  if (code === "EADDRINUSE") return "in use";
  // Without IPv6 the kernel has no such family at all.
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" ? "no such address" : undefined;
}

/** Listens for a moment. @returns the error's code; `undefined` where it worked, and for SCTP, which Node does not have. */
function listen({
  address,
  port,
  protocol,
}: Pick<HostPort, "address" | "port" | "protocol">): Promise<string | undefined> {
  return new Promise((resolve) => {
    const fail = ({ code }: NodeJS.ErrnoException) => resolve(code ?? "unknown");
    if (protocol === "sctp") resolve(undefined);
    else if (protocol === "tcp") {
      const server = createServer();
      server.once("error", fail);
      const end = () => server.close(() => resolve(undefined));
      server.listen({ host: address, port, exclusive: true, ipv6Only: true }, end);
    } else {
      const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", ipv6Only: isIPv6(address) });
      socket.once("error", (error) => {
        socket.close();
        fail(error);
      });
      socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
    }
  });
}
