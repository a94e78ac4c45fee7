import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { createKubectl } from "../../../src/cluster/kubectl.ts";
import { selectDigest } from "../../../src/docker/images.ts";
import { createExec } from "../../../src/exec.ts";
import { measureDisks } from "../../../src/host/inspect.ts";
import { findPortsInUse, type HostPort, isOwnAddress } from "../../../src/host/ports.ts";
import { findProxies } from "../../../src/host/proxy.ts";
import { overlaps, parseSubnet } from "../../../src/values/subnets.ts";
import { listDigests } from "../../../src/versions/catalog.ts";
import { CATALOG, digest, makeFolder } from "../builders.ts";

async function listenOn(context: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

const hostPort = (port: number, fields: Partial<HostPort> = {}): HostPort => ({
  address: "127.0.0.1",
  port,
  protocol: "tcp",
  source: "x",
  addressWritten: true,
  ...fields,
});
const troubles = async (...ports: readonly HostPort[]) =>
  (await findPortsInUse(ports)).map(({ port, protocol, trouble }) => [port, protocol, trouble]);

test("a port is in use only where something listens on it, by its own protocol", async (context) => {
  const port = await listenOn(context);
  assert.deepEqual(await troubles(hostPort(port), hostPort(port, { protocol: "udp" })), [[port, "tcp", "in use"]]);
  assert.deepEqual(await troubles(hostPort(port, { address: "0.0.0.0" })), [[port, "tcp", "in use"]]);
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  context.after(() => socket.close());
  const datagrams = socket.address().port;
  assert.deepEqual(await troubles(hostPort(datagrams, { protocol: "udp" })), [[datagrams, "udp", "in use"]]);
});

test("a port that is asked for twice is not in use for that", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  const both = [hostPort(address.port), hostPort(address.port, { address: "0.0.0.0" }), hostPort(address.port)];
  assert.deepEqual(await troubles(...both), []);
});

test("an address of another machine is told from a port in use", async () => {
  assert.deepEqual(await troubles(hostPort(8080, { address: "203.0.113.7" })), [[8080, "tcp", "no such address"]]);
  assert.equal(await isOwnAddress("203.0.113.7"), false);
  assert.equal(await isOwnAddress("127.0.0.1"), true);
  assert.equal(await isOwnAddress("0.0.0.0"), true);
});

test("kubectl gets no proxy, and what else it starts with", async (context) => {
  const folder = await makeFolder(context);
  const before = process.env.HTTPS_PROXY;
  context.after(() => {
    if (before === undefined) delete process.env.HTTPS_PROXY;
    else process.env.HTTPS_PROXY = before;
  });
  process.env.HTTPS_PROXY = "http://127.0.0.1:9";
  const kubectl = createKubectl("/usr/bin/env", "k", "c", (command) => createExec(folder)({ ...command, args: [] }));
  const { stdout } = await kubectl([], { purpose: "looking at the environment" });
  assert.match(stdout, /^NO_PROXY=\*$/m);
  assert.match(stdout, /^no_proxy=\*$/m);
});

test("the proxies of an environment are found without user and password", () => {
  const environment = {
    HTTPS_PROXY: "http://user:p@ss/w0rd@proxy.example:3128/x",
    http_proxy: "user:secret@proxy.example",
    ALL_PROXY: "",
    NO_PROXY: "localhost",
  };
  assert.deepEqual(findProxies(environment), ["HTTPS_PROXY=http://proxy.example:3128", "HTTP_PROXY=proxy.example"]);
  assert.deepEqual(findProxies({}), []);
  const shown: readonly (readonly [string, string])[] = [
    ["http://u:p@proxy:3128/?x=@s", "http://proxy:3128"],
    ["http://u:p@q@proxy:80/", "http://proxy:80"],
    ["socks5://u:p@[::1]:1080", "socks5://[::1]:1080"],
    ["http://proxy:3128/x?y", "http://proxy:3128"],
    // None of these is a URL with the user's meaning: a password has what would end it.
    ["http://u:12?x@proxy:3128", "http://proxy:3128"],
    ["http://u:12/x?y@proxy:3128", "http://proxy:3128"],
    ["http://u:p@1#x@proxy:3128", "http://proxy:3128"],
  ];
  for (const [value, proxy] of shown) assert.deepEqual(findProxies({ HTTP_PROXY: value }), [`HTTP_PROXY=${proxy}`]);
});

test("a subnet overlaps with itself, with what lies in it, and with nothing of the other family", () => {
  const of = (text: string) => {
    const subnet = parseSubnet(text);
    assert.ok(subnet, text);
    return subnet;
  };
  assert.ok(overlaps(of("10.96.3.4/16"), of("10.96.200.0/24")));
  assert.ok(!overlaps(of("10.96.0.0/16"), of("10.97.0.0/16")));
  assert.ok(!overlaps(of("0.0.0.0/0"), of("::/0")));
  assert.ok(overlaps(of("fd00:10:96::/112"), of("fd00:10::/32")));
  for (const text of ["10.0.0.0/33", "10.0.0.0", "x/8", "::/129", "10.0.0/8"])
    assert.equal(parseSubnet(text), undefined);
  const subnets = fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => of(`${address}/${prefix}`));
  fc.assert(fc.property(subnets, subnets, (a, b) => overlaps(a, a) && overlaps(a, b) === overlaps(b, a)));
});

test("an image by its tag gets the digest of its own repository", () => {
  const of = (image: string, ...digests: readonly string[]) => selectDigest(image, digests, undefined);
  const one = digest("a1");
  assert.equal(of("kindest/node:v1.28.15", `kindest/node@${one}`), `kindest/node:v1.28.15@${one}`);
  assert.equal(of("docker.io/kindest/node:v1", `kindest/node@${one}`), `docker.io/kindest/node:v1@${one}`);
  assert.equal(
    of("127.0.0.1:5000/node:v1", `other/node@${digest("b")}`, `127.0.0.1:5000/node@${one}`),
    `127.0.0.1:5000/node:v1@${one}`,
  );
  assert.equal(of("mine/node:v1"), undefined);
  assert.equal(of("mine/node:v1", `other/node@${one}`), undefined);
  assert.equal(of(`mine/node:v1@${one}`), `mine/node:v1@${one}`);
});

test("an image that was here already gets a digest only where the catalog lists it", () => {
  const [one, other] = [digest("a1"), digest("b2")];
  const digests = [`kindest/node@${other}`, `kindest/node@${one}`];
  assert.equal(selectDigest("kindest/node:v1", digests, new Set([one])), `kindest/node:v1@${one}`);
  // With containerd's image store what was built here has a digest that no registry has.
  assert.equal(selectDigest("kindest/node:v1", digests, new Set()), undefined);
  assert.equal(selectDigest("mine/node:v1", [`mine/node@${one}`], new Set([other])), undefined);
  assert.ok(listDigests(CATALOG).has(digest("b3")));
  assert.ok(!listDigests(CATALOG).has(digest("c1")));
});

test("the disk of images and that of volumes are measured apart, and only on this machine", async (context) => {
  const dataRoot = await makeFolder(context);
  const engine = { dataRoot, imageStore: undefined };
  const local = await measureDisks(engine, {});
  assert.deepEqual([local.images?.folder, local.volumes], [dataRoot, undefined]);
  assert.equal((await measureDisks(engine, { DOCKER_HOST: "unix:///var/run/docker.sock" })).images?.folder, dataRoot);
  for (const DOCKER_HOST of ["tcp://127.0.0.1:2375", "ssh://user@host"]) {
    assert.deepEqual(await measureDisks(engine, { DOCKER_HOST }), { images: undefined, volumes: undefined });
  }
  // Docker's folder is not where a containerd of its own keeps the images.
  const apart = await measureDisks({ dataRoot: "/proc", imageStore: "/run/containerd/containerd.sock" }, {});
  assert.notEqual(apart.images?.folder, "/proc");
  assert.equal(apart.volumes?.folder, "/proc");
});
