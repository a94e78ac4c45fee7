import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { asRoot } from "../privileges.ts";
import { sh } from "./harness.ts";

/** Addresses by name, or by domain if it begins with a dot; everything else is left to the next name server. */
export type Answers = Readonly<Record<string, string>>;

/** Serves DNS on an address until it is closed. It needs root: the port is 53. */
export async function serveDns(address: string, answers: Answers): Promise<{ close(): Promise<void> }> {
  const script = join(import.meta.dirname, "resolver-server.ts");
  const server = spawn(...asRoot(process.execPath, [script, address, JSON.stringify(answers)]), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const close = async () => {
    if (server.exitCode !== null) return;
    const ended = once(server, "exit");
    server.stdin.end();
    await ended;
  };
  const ended = once(server, "exit").then(([code]) => Promise.reject(new Error(`the name server ended with ${code}`)));
  // From here on it should end.
  ended.catch(() => undefined);
  await Promise.race([once(server.stdout, "data"), ended]);
  return { close };
}

/** The gateway of kind's network, which is created as kind creates it if it does not exist. */
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
