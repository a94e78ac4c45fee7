import { join } from "node:path";
import { cacheFolder, writeWhole } from "./cache.ts";
import { run } from "./command.ts";
import { type Daemon, ensureDaemon, recorded } from "./daemon.ts";
import { occupantOf, statusOf } from "./http.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { ports } from "./releases.ts";

export const dockerSocket = "/var/run/docker.sock";
export const registryAddress = `http://127.0.0.1:${ports.registry}`;
export const mirrorAddress = `http://127.0.0.1:${ports.mirror}`;
export const daemonNames = ["dockerd", "registry", "mirror"] as const;

/** The registry comes first: Docker asks its mirror from the first pull on. */
export async function startRegistry(): Promise<ProcessIdentity> {
  const configuration = join(cacheFolder(), "run", "registry.yml");
  await writeWhole(
    configuration,
    [
      "version: 0.1",
      "log: {level: warn, accesslog: {disabled: true}}",
      `storage: {filesystem: {rootdirectory: ${JSON.stringify(join(cacheFolder(), "registry"))}}}`,
      `http: {addr: "127.0.0.1:${ports.registry}"}`,
      "",
    ].join("\n"),
  );
  return await ensureDaemon({
    name: "registry",
    program: "docker-registry",
    args: ["serve", configuration],
    answers: async () => (await statusOf(`${registryAddress}/v2/`, 1000)) === 200,
    occupied: () => occupantOf(ports.registry),
  });
}

export async function startMirror(): Promise<ProcessIdentity> {
  return await ensureDaemon({
    name: "mirror",
    program: process.execPath,
    args: [join(import.meta.dirname, "mirror-server.ts"), mirrorFolder(), String(ports.mirror)],
    answers: async () => (await statusOf(`${mirrorAddress}/`, 1000)) === 200,
    occupied: () => occupantOf(ports.mirror),
  });
}

export async function startDocker(): Promise<ProcessIdentity> {
  const dockerd: Daemon = {
    name: "dockerd",
    program: "dockerd",
    args: [
      `--data-root=${join(cacheFolder(), "docker")}`,
      `--pidfile=${join(cacheFolder(), "run", "dockerd.pid")}`,
      `--host=unix://${dockerSocket}`,
      `--registry-mirror=${registryAddress}`,
      "--log-level=warn",
    ],
    answers: dockerAnswers,
    occupied: async () =>
      (await dockerAnswers())
        ? `another Docker Engine answers on ${dockerSocket}, and the official images cannot be pulled through it. Fix: stop that one.`
        : undefined,
  };
  return await ensureDaemon(dockerd);
}

export function mirrorFolder(): string {
  return join(cacheFolder(), "mirror");
}

/** Always the daemon on this machine, wherever the caller's environment points the client. */
export async function docker(...args: readonly string[]): Promise<string> {
  return await run("docker", ["--host", `unix://${dockerSocket}`, ...args]);
}

async function dockerAnswers(): Promise<boolean> {
  return await docker("version").then(
    () => true,
    () => false,
  );
}

/** Whether the machine has its own daemon and reaches the official hosts: then nothing needs to be built. */
export async function isOfficial(): Promise<boolean> {
  if ((await recorded("dockerd")) !== undefined || !(await dockerAnswers())) return false;
  const [hub, kind] = await Promise.all([
    statusOf("https://registry-1.docker.io/v2/", 3000),
    statusOf("https://kind.sigs.k8s.io/dl/", 3000),
  ]);
  // The registry answers 401 to a client without a token; a proxy that refuses answers 403 or 5xx.
  return (hub === 200 || hub === 401) && kind !== undefined && kind < 500 && kind !== 403;
}
