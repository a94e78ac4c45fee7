import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ports } from "../../testbed/releases.ts";
import { asRoot } from "../privileges.ts";
import { openssl } from "../unit/certificates.ts";
import { eventually, sh } from "./harness.ts";

const NAME = "remote-docker.test";
const NETWORK = "kt-remote";
/** The ends of the line between the two: this machine, and the engine's. */
const HERE = { device: "kt-here", address: "10.213.7.1" } as const;
const THERE = { device: "kt-there", address: "10.213.7.2" } as const;
const PORT = 2376;

/** A Docker Engine of another machine, asked by TCP with TLS. */
export interface RemoteEngine {
  /** By which Docker's client reaches it. */
  readonly name: string;
  /** The variables of Docker's client. */
  readonly environment: Readonly<Record<string, string>>;
  docker(...args: readonly string[]): Promise<string>;
  /** Ends it by SIGKILL; what it runs goes on. */
  kill(): Promise<void>;
  /** Starts it again. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

const root = (file: string, ...args: readonly string[]) => sh(...asRoot(file, args));

/**
 * Starts an engine as on another machine: in a network of its own, with its own disks as far as it is asked, reached by a
 * name, and by TCP with certificates on both sides. It pulls through this machine's registry.
 */
export async function startRemoteEngine(official: boolean): Promise<RemoteEngine> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-remote-"));
  const file = (name: string) => join(folder, name);
  await makeCertificates(folder);
  await connectNetwork();
  const forwarder = official ? undefined : await forward(ports.registry);
  const mirror = `${HERE.address}:${ports.registry}`;
  await writeFile(
    file("daemon.json"),
    JSON.stringify(official ? {} : { "registry-mirrors": [`http://${mirror}`], "insecure-registries": [mirror] }),
  );
  const host = `tcp://${NAME}:${PORT}`;
  const options = {
    "config-file": file("daemon.json"),
    "data-root": file("data"),
    "exec-root": file("exec"),
    pidfile: file("pid"),
    host: `tcp://0.0.0.0:${PORT}`,
    tlsverify: "true",
    tlscacert: file("ca.crt"),
    tlscert: file("server.crt"),
    tlskey: file("server.key"),
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // Not `ip netns exec`, which hides the control groups.
  const begin = () =>
    once(spawn(...asRoot("nsenter", [`--net=/run/netns/${NETWORK}`, "dockerd", ...args]), { stdio: "ignore" }), "exit");
  let ended = begin();
  const environment = { DOCKER_HOST: host, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder };
  const docker = (...words: readonly string[]) =>
    sh("docker", [`--host=${host}`, "--tlsverify", ...certificateOptions(folder), ...words], 300);
  const answers = () => docker("version").then(Boolean, () => false);
  const isUp = () => eventually("the remote engine answers", answers, 60, 300);
  const signal = async (name: string) => root("kill", `-${name}`, (await readFile(file("pid"), "utf8")).trim());
  await isUp();
  return {
    name: NAME,
    environment,
    docker,
    kill: async () => {
      await signal("KILL");
      await ended;
    },
    restart: async () => {
      ended = begin();
      await isUp();
    },
    end: async () => {
      await signal("TERM");
      await ended;
      forwarder?.close();
      await disconnectNetwork();
      // One that was killed has left the mount of its folder.
      await root("umount", "--recursive", "--lazy", file("data")).catch(() => undefined);
      await root("rm", "--recursive", "--force", folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function certificateOptions(folder: string): readonly string[] {
  return [`--tlscacert=${folder}/ca.pem`, `--tlscert=${folder}/cert.pem`, `--tlskey=${folder}/key.pem`];
}

/** The names that Docker's client looks for, and those of the engine. */
async function makeCertificates(folder: string): Promise<void> {
  const request = async (name: string, key: string, certificate: string, extensions: string) => {
    await writeFile(join(folder, `${name}.ext`), extensions);
    const subject = ["-subj", `/CN=${name}`];
    await openssl(
      folder,
      "req",
      "-new",
      "-newkey",
      "rsa:2048",
      "-nodes",
      ...subject,
      "-keyout",
      key,
      "-out",
      `${name}.csr`,
    );
    const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`];
    await openssl(folder, "x509", "-req", "-in", `${name}.csr`, ...by, "-out", certificate);
  };
  const files = ["-keyout", "ca.key", "-out", "ca.crt"];
  await openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-days", "2", ...files);
  await request("server", "server.key", "server.crt", `subjectAltName=DNS:${NAME}\nextendedKeyUsage=serverAuth\n`);
  await request("client", "key.pem", "cert.pem", "extendedKeyUsage=clientAuth\n");
  await writeFile(join(folder, "ca.pem"), await readFile(join(folder, "ca.crt")));
}

async function connectNetwork(): Promise<void> {
  await disconnectNetwork();
  await root("ip", "netns", "add", NETWORK);
  await root("ip", "link", "add", HERE.device, "type", "veth", "peer", "name", THERE.device, "netns", NETWORK);
  await root("ip", "address", "add", `${HERE.address}/30`, "dev", HERE.device);
  await root("ip", "link", "set", HERE.device, "up");
  const there = (...args: readonly string[]) => root("ip", "-netns", NETWORK, ...args);
  await there("address", "add", `${THERE.address}/30`, "dev", THERE.device);
  await there("link", "set", THERE.device, "up");
  await there("link", "set", "lo", "up");
  await there("route", "add", "default", "via", HERE.address);
  await root("sh", "-c", `echo '${THERE.address} ${NAME}' >>/etc/hosts`);
}

/** Also what a run that was killed has left. */
async function disconnectNetwork(): Promise<void> {
  await root("ip", "netns", "delete", NETWORK).catch(() => undefined);
  await root("ip", "link", "delete", HERE.device).catch(() => undefined);
  // Written in place: in a container /etc/hosts is a mount.
  await root("sh", "-c", `kept=$(grep -v ' ${NAME}$' /etc/hosts); printf '%s\\n' "$kept" >/etc/hosts`);
}

/** Leads what comes by that line to a port of this machine's 127.0.0.1. */
async function forward(port: number): Promise<Server> {
  const server = createServer((socket) => {
    const target = connect(port, "127.0.0.1");
    for (const each of [socket, target]) each.on("error", () => each.destroy());
    socket.pipe(target).pipe(socket);
  });
  server.listen(port, HERE.address);
  await once(server, "listening");
  return server;
}
