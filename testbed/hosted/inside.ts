import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmod, copyFile, mkdir, open, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { poll } from "../../src/poll.ts";
import { run, succeeds } from "../command.ts";
import { CGROUP, GATEWAY, NAME_SERVER, USER, WORK } from "./layout.ts";
import { officialNames } from "./names.ts";
import { serveOfficialNames } from "./names-server.ts";

/**
 * Turns new namespaces (mounts, network, processes) into a machine like GitHub's: its own user, official names that
 * answer, and a Docker Engine. Nothing of it is outside of the namespaces, so everything ends with them. Run by
 * `machine.ts` as root: `node inside.ts <folder>`; prints the line `ready`, and ends when its standard input ends.
 */
const [root = ""] = process.argv.slice(2);
if (root === "" || process.getuid?.() !== 0)
  throw new Error("usage, as root in namespaces of its own: inside.ts <folder>");
const file = (...names: readonly string[]) => join(root, ...names);

process.stdin.on("end", () => process.exit()).resume();
await run("mount", ["--make-rprivate", "/"]);
await placeFolders();
await placeUser();
await placeNames();
await run("ip", ["link", "set", "lo", "up"]);
console.log("mounted");
await waitFor("the way out", () => succeeds("ip", ["link", "show", "tap0"]));
await forwardNames();
await serveOfficialNames(file("certificates"), GATEWAY);
await startDocker();
console.log("ready");

/** Folders whose content belongs to this machine alone. `/var/run` is a link to `/run`. */
async function placeFolders(): Promise<void> {
  for (const [folder, mode] of [
    ["home", 0o755],
    ["tmp", 0o1777],
    ["docker", 0o700],
  ] as const) {
    await mkdir(file(folder), { recursive: true });
    await chmod(file(folder), mode);
  }
  // The repository may be in a folder that is hidden from here on.
  await mkdir(file("modules"), { recursive: true });
  await bind(join(import.meta.dirname, "../../node_modules"), file("modules"));
  await bind(file("home"), "/home");
  await bind(file("tmp"), "/tmp");
  await run("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"]);
  await mkdir("/run/lock");
  await chmod("/run/lock", 0o1777);
}

/** uid 1001, sudo without a password, in the group docker: https://github.com/actions/runner-images. */
async function placeUser(): Promise<void> {
  const own = /^(?:runner|docker):|^[^:]*:[^:]*:1001:/;
  const edit = async (path: string, lines: readonly string[]) => {
    const kept = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "" && !own.test(line));
    await replace(path, `${[...kept, ...lines].join("\n")}\n`);
  };
  const group = /^docker:[^:]*:(\d+):/m.exec(await readFile("/etc/group", "utf8"))?.[1] ?? "999";
  await edit("/etc/passwd", [`${USER.name}:x:${USER.id}:${USER.id}::${USER.home}:/bin/bash`]);
  await edit("/etc/group", [`${USER.name}:x:${USER.id}:`, `docker:x:${group}:${USER.name}`]);
  await edit("/etc/shadow", [`${USER.name}:*:19000:0:99999:7:::`]);
  await chmod("/etc/shadow", 0o640);
  await run("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/etc/sudoers.d"]);
  await writeFile(`/etc/sudoers.d/${USER.name}`, `${USER.name} ALL=(ALL) NOPASSWD:ALL\n`, { mode: 0o440 });
  const modules = join(WORK, "node_modules");
  await mkdir(modules, { recursive: true });
  await run("chown", ["--recursive", `${USER.id}:${USER.id}`, USER.home]);
  await bind(file("modules"), modules);
}

/** The hosts file, a CA that everything on the machine trusts, and a resolver as systemd-resolved sets it up. */
async function placeNames(): Promise<void> {
  const names = Object.keys(officialNames).map((name) => `127.0.0.1 ${name}\n`);
  await replace("/etc/hosts", [`127.0.0.1 localhost ${hostname()}\n`, ...names].join(""));
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  const ca = await readFile(file("certificates", "ca.crt"), "utf8");
  await replace(bundle, `${await readFile(bundle, "utf8")}\n${ca}`);
  await mkdir("/run/systemd/resolve", { recursive: true });
  await writeFile("/run/systemd/resolve/resolv.conf", `nameserver ${NAME_SERVER}\nsearch .\n`);
  await replace("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n");
}

/** systemd-resolved's address, which forwards questions to the machine's name server. */
async function forwardNames(): Promise<void> {
  const stub = createSocket("udp4").bind(53, "127.0.0.53");
  await once(stub, "listening");
  stub.on("message", (question, asker) => {
    const asked = createSocket("udp4");
    asked.on("message", (answer) => {
      stub.send(answer, asker.port, asker.address);
      asked.close();
    });
    asked.on("error", () => asked.close());
    asked.send(question, 53, NAME_SERVER);
    setTimeout(() => {
      try {
        asked.close();
      } catch {
        // It is closed already: it has answered.
      }
    }, 5000).unref();
  });
}

/** Without a registry mirror: images come from Docker Hub by its name. */
async function startDocker(): Promise<void> {
  await mkdir("/etc/docker", { recursive: true });
  await run("mount", ["-t", "tmpfs", "tmpfs", "/etc/docker"]);
  const args = [
    `--config-file=${file("daemon.json")}`,
    `--data-root=${file("docker")}`,
    `--cgroup-parent=/${CGROUP}`,
    "--group=docker",
    "--log-level=error",
  ];
  const log = await open(file("dockerd.log"), "w");
  const stdio = ["ignore", log.fd, log.fd] as const;
  spawn("dockerd", args, { stdio: [...stdio], env: { PATH: process.env.PATH } }).on("exit", async (code) => {
    console.log(`dockerd ended with ${code}:\n${await readFile(file("dockerd.log"), "utf8")}`);
    process.exit(1);
  });
  await waitFor("Docker Engine", () => succeeds("docker", ["--host=unix:///run/docker.sock", "version"]));
}

async function bind(from: string, to: string): Promise<void> {
  await run("mount", ["--bind", from, to]);
}

/** Replaces the content of a file, only in these namespaces. */
async function replace(path: string, content: string): Promise<void> {
  const own = file("etc", path.replaceAll("/", "_"));
  await mkdir(file("etc"), { recursive: true });
  await copyFile(path, own);
  await writeFile(own, content);
  await bind(own, path);
}

async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const ask = async () => ((await holds()) ? true : undefined);
  const held = await poll(ask, { everyMilliseconds: 100, forMilliseconds: 60_000 });
  if (held === undefined) throw new Error(`timed out waiting for ${what}`);
}
