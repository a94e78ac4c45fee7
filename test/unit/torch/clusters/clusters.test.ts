import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EarlierCredentials } from "../../../../src/credentials/earlier.ts";
import { credentialPaths } from "../../../../src/credentials/files.ts";
import { createKey, createRequest } from "../../../../src/credentials/key.ts";
import {
  credentialsPlaceOf,
  type EarlierCluster,
  listFiles,
  planAccess,
  planEarlierCluster,
  planOwnCluster,
} from "../../../../src/torch/clusters/cluster.ts";
import { checkEarlierClusters } from "../../../../src/torch/clusters/conflicts.ts";
import { describeFailure, type FoundNode, judgeNodes } from "../../../../src/torch/clusters/judge.ts";
import { probeAccess } from "../../../../src/torch/clusters/probe.ts";
import { makeFolder, nodesOf, only } from "../../builders.ts";
import { openssl } from "../../certificates.ts";
import { makeCredentials } from "../../earlier.ts";

const credentialsOf = (cluster: string, user = "torch", directory = `/t/${cluster}`): EarlierCredentials => ({
  ...{ cluster, user, directory },
  ...{ ca: "", certificate: "", privateKey: "" },
});
const OWN = credentialPaths("/t/own", "torch");

test("of the files of clusters each has a name of its own, and nodes get the endpoints of their clusters", () => {
  const nodes = nodesOf(["bologna-control-plane", "control-plane"]);
  const own = planOwnCluster("bologna", nodes, OWN);
  const earlier: EarlierCluster = {
    credentials: credentialsOf("catania"),
    nodes: nodesOf(["catania-control-plane", "control-plane"], ["catania-control-plane2", "control-plane"]),
    controlPlane: "id",
    server: "https://127.0.0.1:7",
    publishedPort: 7,
  };
  const clusters = [own, planEarlierCluster(earlier, "/run")] as const;
  assert.deepEqual(clusters.flatMap(listFiles), [
    ...["/t/own/ca.crt", "/t/own/torch-signed.crt", "/t/own/torch.key"],
    ...["/run/clusters/catania-ca.crt", "/run/clusters/catania-torch-signed.crt", "/run/clusters/catania-torch.key"],
  ]);
  // A checkout must not reach the files where they were issued to.
  const issued = { directory: "/t/catania", files: ["ca.crt", "torch-signed.crt", "torch.key"] };
  assert.deepEqual(credentialsPlaceOf(clusters[1]), { input: "torch-clusters", ...issued });
  assert.deepEqual(credentialsPlaceOf(own), { input: "credentials-directory", ...issued, directory: "/t/own" });
  const endpoints = (endpoint: "internal" | "external") =>
    [...planAccess({ endpoint, credentialsMount: "/creds", clusters }, 5)].map(([name, access]) => [
      name,
      access.endpoint,
    ]);
  assert.deepEqual(endpoints("internal"), [
    ["bologna", "https://bologna-control-plane:6443"],
    ["catania", "https://catania-external-load-balancer:6443"],
  ]);
  assert.deepEqual(endpoints("external"), [
    ["bologna", "https://host.docker.internal:5"],
    ["catania", "https://host.docker.internal:7"],
  ]);
});

test("a cluster twice, the step's own, and files of one name are refused", () => {
  const check = (...given: readonly EarlierCredentials[]) => checkEarlierClusters("bologna", OWN, given);
  assert.deepEqual(check(credentialsOf("catania"), credentialsOf("palermo")), []);
  assert.match(only(check(credentialsOf("bologna"))).reason, /the name of this step's own cluster/);
  assert.match(
    only(check(credentialsOf("catania"), credentialsOf("catania", "torch", "/t/other"))).reason,
    /catania, and so does \/t\/catania/,
  );
  // The user b-c of the cluster a, and the user c of the cluster a-b.
  assert.deepEqual(
    check(credentialsOf("a", "b-c"), credentialsOf("a-b", "c")).map(({ value, reason }) => [value, reason]),
    ["a-b-c-signed.crt", "a-b-c.key"].map((name) => [
      "/t/a-b",
      `would give the service layer a file ${name} of a-b, and a has one of that name`,
    ]),
  );
  const ofOwn = checkEarlierClusters("bologna", credentialPaths("/t/own", "catania-torch"), [credentialsOf("catania")]);
  assert.equal(ofOwn.length, 2);
});

const node = (name: string, changes: Partial<FoundNode> = {}): FoundNode => ({
  id: `id of ${name}`,
  name,
  running: true,
  networks: ["kind"],
  published: name.endsWith("plane") ? { address: "127.0.0.1", port: 5 } : undefined,
  ...changes,
});

test("a cluster whose nodes TORCH-V2 could not use is refused", () => {
  const judge = (nodes: readonly FoundNode[], endpoint: "internal" | "external" = "internal") => {
    const judged = judgeNodes("catania", nodes, { endpoint, host: { defaultGateway: "172.17.0.1" } });
    return "issue" in judged ? `${judged.issue.reason}. Fix: ${judged.issue.fix}` : judged.entrance;
  };
  const [plane, worker] = [node("catania-control-plane"), node("catania-worker")];
  assert.equal(judge([worker, plane]), "catania-control-plane");
  assert.match(judge([]), /does not exist on this Docker Engine, or no longer/);
  assert.match(judge([worker]), /does not exist/);
  assert.match(
    judge([plane, { ...worker, running: false }]),
    /do not all run: catania-worker\. Fix: start them \(docker start catania-worker\)/,
  );
  assert.match(judge([{ ...plane, networks: ["other"] }]), /not in Docker's network kind/);
  const second = node("catania-control-plane2", { published: undefined });
  assert.match(judge([plane, second]), /does not exist/, "without its load balancer");
  const balancer = node("catania-external-load-balancer", { published: { address: "127.0.0.1", port: 6 } });
  assert.equal(judge([second, plane, balancer]), "catania-external-load-balancer");
});

test("with torch-endpoint: external the API server must be published where containers reach it", () => {
  const judge = (address: string) => {
    const nodes = [node("catania-control-plane", { published: { address, port: 5 } })];
    return judgeNodes("catania", nodes, { endpoint: "external", host: { defaultGateway: "172.17.0.1" } });
  };
  for (const address of ["0.0.0.0", "172.17.0.1"]) assert.ok("entrance" in judge(address), address);
  for (const address of ["127.0.0.1", "192.0.2.7"]) {
    const judged = judge(address);
    assert.ok("issue" in judged, address);
    assert.match(judged.issue.fix, /api-server-address: 172\.17\.0\.1 and extra-sans: host\.docker\.internal/);
  }
});

/** An API server of a CA, which answers a client by whether it has a certificate of that CA. */
async function serve(context: TestContext, folder: string, ca: string) {
  const request = await createRequest("kube-apiserver", [], await createKey("ecdsa-p256"));
  await writeFile(join(folder, "server.csr"), request.certificateRequest);
  await writeFile(join(folder, "names"), "subjectAltName=DNS:catania-control-plane\n");
  const by = ["-CA", "kubernetes.crt", "-CAkey", "kubernetes.key", "-CAcreateserial", "-extfile", "names"];
  await openssl(folder, "x509", "-req", "-in", "server.csr", ...by, "-days", "1", "-out", "server.crt");
  const server = createServer(
    {
      cert: await readFile(join(folder, "server.crt")),
      key: request.privateKey,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
    },
    ({ socket }, response) => {
      const authorized: unknown = Reflect.get(socket, "authorized");
      response.writeHead(authorized === true ? 201 : 401).end("{}");
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

test("one request as the user tells which of CA, name and certificate is wrong", async (context) => {
  const folder = await makeFolder(context);
  const own = await makeCredentials(join(folder, "catania"));
  const other = await makeCredentials(join(folder, "other"));
  const port = await serve(context, join(folder, "catania-ca"), own.ca);
  const at = { host: "127.0.0.1", port, serverName: "catania-control-plane" };
  assert.equal(await probeAccess({ ...at, ...own }), undefined);
  assert.deepEqual(await probeAccess({ ...at, ...own, serverName: "host.docker.internal" }), { kind: "name" });
  assert.deepEqual(await probeAccess({ ...at, ...other }), { kind: "ca" });
  assert.deepEqual(await probeAccess({ ...at, ...other, ca: own.ca }), { kind: "user" });
  // As some runners have it for a proxy of their own.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  context.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  assert.deepEqual(await probeAccess({ ...at, ...own, ca: other.ca }), { kind: "ca" });
  const nobody = await probeAccess({ ...at, ...own, port: 1 });
  assert.equal(nobody?.kind, "unreachable");
});

test("what is wrong with credentials is said with its fix", () => {
  const about = { serverName: "host.docker.internal", gateway: undefined };
  const of = (kind: "ca" | "name" | "user") => describeFailure("catania", { kind }, about);
  assert.match(of("ca").reason, /certificate of another CA/);
  assert.match(of("user").reason, /does not accept the user's certificate/);
  assert.match(of("name").fix, /api-server-address: 0\.0\.0\.0 and extra-sans: host\.docker\.internal/);
  const gone = describeFailure("catania", { kind: "unreachable", message: "no answer within 10 s" }, about);
  assert.match(gone.reason, /does not answer \(no answer within 10 s\)/);
});
