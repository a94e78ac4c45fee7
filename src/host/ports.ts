import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";
import { errorCode } from "../errors.ts";

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
 * Finds the ports that something on this machine listens on, and those with an address that the machine does not have.
 * They are tried one after the other: two of them may be the same.
 */
export async function findPortsInUse(ports: readonly HostPort[]): Promise<readonly TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const port of ports) {
    const trouble = classifyListenError(await listen(port));
    if (trouble !== undefined) taken.push({ ...port, trouble });
  }
  return taken;
}

/** Whether this machine can listen on an address. */
export async function isOwnAddress(address: string): Promise<boolean> {
  return classifyListenError(await listen({ address, protocol: "tcp" })) !== "no such address";
}

function classifyListenError(code: string | undefined): TakenPort["trouble"] | undefined {
  if (code === "EADDRINUSE") return "in use";
  // Without IPv6 the kernel has no such family at all.
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" ? "no such address" : undefined;
}

type Listener = Pick<HostPort, "address" | "protocol"> & { readonly port?: number };

/**
 * Listens for a moment; without a port, on any that is free.
 * @returns the error's code; `undefined` if it worked, and for SCTP, which Node does not have.
 */
async function listen({ protocol, ...place }: Listener): Promise<string | undefined> {
  if (protocol === "sctp") return undefined;
  try {
    await (protocol === "tcp" ? listenTcp(place) : listenUdp(place));
    return undefined;
  } catch (error) {
    return errorCode(error) ?? "unknown";
  }
}

async function listenTcp({ address, port }: Omit<Listener, "protocol">): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once("error", reject);
  server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => server.close(() => resolve()));
  await promise;
}

async function listenUdp({ address, port }: Omit<Listener, "protocol">): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", ipv6Only: isIPv6(address) });
  socket.once("error", (error) => socket.close(() => reject(error)));
  socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve()));
  await promise;
}
