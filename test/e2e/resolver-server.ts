import { createSocket } from "node:dgram";
import { decode, encode, RECURSION_AVAILABLE } from "dns-packet";

/**
 * A name server for tests, in a process of its own, because only root may use its port: `node resolver-server.ts
 * <address> <answers>`. It prints the line `ready`, and ends when its standard input ends.
 */
const [address, answers] = process.argv.slice(2);
if (address === undefined || answers === undefined) throw new Error("usage: resolver-server.ts <address> <answers>");
const table = readTable(JSON.parse(answers));

process.stdin.on("end", () => process.exit()).resume();
const socket = createSocket("udp4");
socket.on("message", (message, peer) => {
  const query = decode(message);
  const question = query.questions?.[0];
  if (question === undefined) return;
  const answer = find(question.name.toLowerCase());
  // Response codes of RFC 1035: 2 is SERVFAIL, which leaves the answer to the next server.
  const code = answer === undefined ? 2 : 0;
  const reply = encode({
    type: "response",
    id: query.id ?? 0,
    flags: RECURSION_AVAILABLE | code,
    questions: [question],
    answers:
      question.type === "A" && answer !== undefined ? [{ type: "A", name: question.name, ttl: 5, data: answer }] : [],
  });
  socket.send(reply, peer.port, peer.address);
});
socket.bind(53, address, () => console.log("ready"));

/** The address of a name, or of the domain that it is in. */
function find(name: string): string | undefined {
  return table.get(name) ?? [...table].find(([domain]) => domain.startsWith(".") && name.endsWith(domain))?.[1];
}

function readTable(value: unknown): ReadonlyMap<string, string> {
  if (typeof value !== "object" || value === null) throw new Error("the answers are not an object");
  return new Map(Object.entries(value).map(([name, answer]) => [name, String(answer)]));
}
