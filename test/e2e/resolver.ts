import { createSocket } from "node:dgram";
import { decode, encode, RECURSION_AVAILABLE } from "dns-packet";
import { sh } from "./harness.ts";

/** A name server of the test's own; `undefined` leaves the answer to the next one (SERVFAIL). */
export type Answers = (name: string) => string | "none" | undefined;

/** Serves DNS on an address until it is closed. */
export async function serveDns(address: string, answers: Answers): Promise<{ close(): Promise<void> }> {
  const socket = createSocket("udp4");
  socket.on("message", (message, peer) => {
    const query = decode(message);
    const question = query.questions?.[0];
    if (question === undefined) return;
    const answer = answers(question.name.toLowerCase());
    const found = question.type === "A" && answer !== undefined && answer !== "none";
    // Response codes of RFC 1035: 2 is SERVFAIL, 3 is NXDOMAIN.
    const code = answer === undefined ? 2 : answer === "none" ? 3 : 0;
    const reply = encode({
      type: "response",
      id: query.id ?? 0,
      flags: RECURSION_AVAILABLE | code,
      questions: [question],
      answers: found ? [{ type: "A", name: question.name, ttl: 5, data: answer }] : [],
    });
    socket.send(reply, peer.port, peer.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(53, address, resolve);
  });
  return { close: () => new Promise((resolve) => socket.close(() => resolve())) };
}

/** The gateway of kind's network, which is made as kind makes it where it is not there. */
export async function kindGateway(): Promise<string> {
  const inspect = () =>
    sh("docker", ["network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"]);
  const config = await inspect().catch(async () => {
    await sh("docker", ["network", "create", "--driver=bridge", "--ipv6", "--subnet=fc00:f853:ccd:e793::/64", "kind"]);
    return await inspect();
  });
  const gateway = config.split("\n").find((line) => /^\d+(\.\d+){3}$/.test(line));
  if (gateway === undefined) throw new Error("kind's network has no IPv4 gateway");
  return gateway;
}
