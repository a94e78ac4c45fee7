import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { inCluster, onRequest, placeWebhook, REQUESTS, untilAlive } from "./cluster-fault.ts";
import { errorOf, logOf } from "./fault.ts";
import { sh } from "./harness.ts";

const DNS_PATCH = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
    dns: {imageTag: v0.0.0-missing}
`;

inCluster(
  {
    cause: "something in the cluster denies the certificate request",
    when: "as soon as it is there",
    sees: "one error with the reason that the denial gives, at once: it is not tried again",
    seconds: 120,
  },
  {},
  async ({ api, main }) => {
    const denied: Promise<number>[] = [];
    const policy = { type: "Denied", status: "True", reason: "Policy", message: "no certificates for this user" };
    api
      .then((client) =>
        onRequest(client, (request) => {
          const body = { ...request, status: { conditions: [policy] } };
          const path = `${REQUESTS}/${request.metadata.name}/approval`;
          denied.push(client.send("PUT", path, body).then(({ status }) => status));
        }),
      )
      .catch(() => undefined);
    const result = await main();
    assert.deepEqual(await Promise.all(denied), [200], logOf(result));
    assert.match(
      errorOf(result),
      /torch-\w+ was denied: Policy: no certificates for this user\nFix: find out what denies/,
    );
    assert.doesNotMatch(logOf(result), /Try 1 of/);
  },
);

inCluster(
  {
    cause: "the API server is killed",
    when: "when the certificate is requested",
    sees: "nothing, or a line that the first try failed: the step succeeds",
    seconds: 300,
    skip: WITHOUT_ROOT,
  },
  {},
  async ({ api, cluster, main }) => {
    let killed = 0;
    const kill = async () => {
      const top = await sh("docker", ["top", `${cluster}-control-plane`, "-eo", "pid,comm"]);
      const pid = /^\s*(\d+)\s+kube-apiserver/m.exec(top)?.[1];
      assert.ok(pid !== undefined, top);
      return async () => {
        killed += 1;
        await sh(...asRoot("kill", ["-KILL", pid]));
      };
    };
    api
      .then(async (client) => {
        const end = await untilAlive(client).then(kill);
        await onRequest(client, () => void end().catch(() => undefined));
      })
      .catch(() => undefined);
    const result = await main();
    assert.equal(killed, 1, logOf(result));
    assert.equal(result.exitCode, 0, logOf(result));
    assert.doesNotMatch(logOf(result), /^::error/m);
  },
);

for (const { policy, sees, long } of [
  { policy: "Fail", sees: "one error with the webhook's name, at once: it is not tried again", long: false },
  { policy: "Ignore", sees: "nothing: it is waited for, and the step succeeds", long: true },
] as const) {
  inCluster(
    {
      cause: `an admission webhook that takes connections and never answers (timeoutSeconds: 10, failurePolicy: ${policy})`,
      when: "when the certificate is requested",
      sees,
      seconds: 240,
      long,
    },
    {},
    async ({ api, main }) => {
      const silent = createServer(() => undefined).listen(0, "0.0.0.0");
      await once(silent, "listening");
      const address = silent.address();
      assert.ok(typeof address === "object" && address !== null);
      let placed = 0;
      api.then((client) => placeWebhook(client, policy, address.port).then(() => (placed += 1))).catch(() => undefined);
      try {
        const result = await main();
        assert.equal(placed, 1, logOf(result));
        if (policy === "Ignore") assert.equal(result.exitCode, 0, logOf(result));
        else
          assert.match(
            errorOf(result),
            /admission webhook, slow\.example\.org, that the API server could not ask[\s\S]*Fix: /,
          );
        assert.doesNotMatch(logOf(result), /Try 1 of/);
      } finally {
        silent.close();
      }
    },
  );
}

inCluster(
  {
    cause: "CoreDNS never gets available: its image does not exist",
    when: "while the step waits for the cluster, with wait: 30s",
    sees: "one error that names CoreDNS, its image's state and the seconds, once wait is over: it is not tried again",
    seconds: 180,
  },
  { "kind-config": DNS_PATCH, wait: "30s" },
  async ({ main }) => {
    const result = await main();
    const error = errorOf(result);
    assert.match(error, /was not ready after 30 s\. Pod coredns-\S+ is not running: (?:ErrImagePull|ImagePullBackOff)/);
    assert.match(error, /CoreDNS is not available: /);
    assert.doesNotMatch(logOf(result), /Try 1 of/);
  },
);

inCluster(
  {
    cause: "CoreDNS never gets available: no node has what it selects",
    when: "while the step waits for the cluster, with wait: 30s",
    sees: "one error that names CoreDNS and the scheduler's reason, once wait is over: it is not tried again",
    seconds: 180,
    long: true,
  },
  { wait: "30s" },
  async ({ api, main }) => {
    const path = "/apis/apps/v1/namespaces/kube-system/deployments";
    const body = { spec: { template: { spec: { nodeSelector: { "example.org/none": "here" } } } } };
    api
      .then((client) =>
        client.watch(path, ({ metadata: { name } }) => {
          if (name === "coredns") void client.send("PATCH", `${path}/${name}`, body);
        }),
      )
      .catch(() => undefined);
    const result = await main();
    const error = errorOf(result);
    assert.match(error, /was not ready after 30 s\. Pod coredns-\S+ is not running: [\s\S]*nodes are available/);
    assert.match(error, /CoreDNS is not available: /);
    assert.doesNotMatch(logOf(result), /Try 1 of/);
  },
);
