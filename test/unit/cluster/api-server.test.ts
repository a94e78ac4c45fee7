import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { waitForAdminRights, waitForApiServer } from "../../../src/cluster/api-server.ts";
import { createKubectl } from "../../../src/cluster/kubectl.ts";
import { createExec, type Exec } from "../../../src/exec.ts";
import { makeFolder, nodesOf } from "../builders.ts";
import { openssl } from "../certificates.ts";

/** A `docker` whose first list has only the load balancer; a control plane is in the later ones too. */
const docker = (folder: string, port: number) => `#!/bin/sh
container() {
  printf '{"id":"%s","name":"/%s","labels":{"io.x-k8s.kind.cluster":"c"},"created":"2030-01-01T00:00:00Z","mounts":[%s]}\\n' "$@"
}
case "$*" in
  ps*)
    echo balancer
    if [ -e ${folder}/listed ]; then echo node; fi
    touch ${folder}/listed
    ;;
  *NetworkSettings*) echo '[{"HostIp":"127.0.0.1","HostPort":"${port}"}]' ;;
  inspect*)
    case "$*" in *balancer*) container balancer c-external-load-balancer '' ;; esac
    case "$*" in *node*) container node c-control-plane '{"Source":"/owner","Destination":"/owner"}' ;; esac
    ;;
esac
`;

test("a load balancer that is created before the control planes still leads to them", async (context) => {
  const folder = await makeFolder(context);
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await openssl(
    folder,
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=c"],
    ...["-keyout", key, "-out", certificate],
  );
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (_, response) => {
    response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  await writeFile(join(folder, "docker"), docker(folder, address.port));
  await chmod(join(folder, "docker"), 0o755);

  const start = createExec(folder);
  const exec: Exec = (command) => start({ ...command, file: join(folder, command.file) });
  const found = await waitForApiServer(
    {
      ownership: {
        cluster: "c",
        owner: { source: "/owner", destination: "/owner" },
        startedAt: "2029-01-01T00:00:00Z",
      },
      nodes: nodesOf(["c-control-plane", "control-plane"], ["c-control-plane2", "control-plane"]),
      site: { kind: "this-machine" },
    },
    exec,
    AbortSignal.timeout(20_000),
  );
  assert.deepEqual(found, { server: `https://127.0.0.1:${address.port}`, controlPlane: "node" });
});

/** A stand-in for kubectl: `auth can-i --quiet` exits with 1 while the answer is no, like the real one. */
const RIGHTS_LATER = `#!/bin/sh
echo "$@" >>"$0.calls"
[ "$(wc -l <"$0.calls")" -gt 3 ]
`;

test("the admin's rights are waited for, unless the run is stopped", async (context) => {
  const folder = await makeFolder(context);
  const path = join(folder, "kubectl");
  await writeFile(path, RIGHTS_LATER);
  await chmod(path, 0o755);
  const kubectl = createKubectl({
    kubectl: path,
    kubeconfig: join(folder, "kubeconfig"),
    runDirectory: folder,
    exec: createExec("test"),
  });
  await waitForAdminRights(kubectl, new AbortController().signal);
  const calls = (await readFile(`${path}.calls`, "utf8")).trim().split("\n");
  assert.equal(calls.length, 4);
  assert.match(calls[0] ?? "", /auth can-i \* \* --all-namespaces --quiet$/);

  await rm(`${path}.calls`);
  await assert.rejects(waitForAdminRights(kubectl, AbortSignal.abort()), /asking for the admin's rights/);
});
