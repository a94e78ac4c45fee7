import type { StepResult } from "../../scripts/local/runner.ts";
import { type ApiObject, type ClusterApi, openClusterApi } from "./cluster-api.ts";
import { type Fault, fault, type Subject } from "./fault.ts";
import { sh } from "./harness.ts";

export const REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/** A fault that is caused through the API server, from the moment on at which it answers. */
export function inCluster(
  row: Omit<Fault, "area">,
  inputs: Readonly<Record<string, string>>,
  body: (subject: Subject & { readonly api: Promise<ClusterApi>; main(): Promise<StepResult> }) => Promise<void>,
): void {
  fault({ area: "Kubernetes", ...row }, async (subject) => {
    const run = await subject.prepare(inputs);
    const ended = new AbortController();
    const signal = AbortSignal.any([subject.signal, ended.signal]);
    // It waits for the cluster that main makes.
    const api = openClusterApi(subject.cluster, signal);
    api.catch(() => undefined);
    const main = () => run.main().finally(() => ended.abort());
    try {
      await body({ ...subject, api, main });
    } finally {
      ended.abort();
      await api.then((each) => each.close()).catch(() => undefined);
    }
  });
}

/** Calls with the step's own request for a certificate, as soon as the API server has it. */
export async function onRequest(api: ClusterApi, act: (request: ApiObject) => void): Promise<void> {
  await api.watch(REQUESTS, (request) => {
    if (request.spec?.signerName === "kubernetes.io/kube-apiserver-client") act(request);
  });
}

/** Waits until the API server answers, which it does before it calls itself ready. */
export async function untilAlive(client: ClusterApi): Promise<void> {
  while ((await client.send("GET", "/livez/ping")).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Configures a webhook for certificate requests, before the API server calls itself ready. */
export async function placeWebhook(client: ClusterApi, failurePolicy: string, port: number): Promise<void> {
  const networks = await sh("docker", [
    "network",
    "inspect",
    "kind",
    "--format={{range .IPAM.Config}}{{println .Gateway}}{{end}}",
  ]);
  const gateway = networks.split("\n").find((each) => /^\d+(\.\d+){3}$/.test(each));
  const webhook = {
    name: "slow.example.org",
    clientConfig: { url: `https://${gateway}:${port}/` },
    rules: [
      {
        operations: ["CREATE"],
        apiGroups: ["certificates.k8s.io"],
        apiVersions: ["v1"],
        resources: ["certificatesigningrequests"],
      },
    ],
    failurePolicy,
    timeoutSeconds: 10,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "slow" },
    webhooks: [webhook],
  };
  while ((await client.send("POST", WEBHOOKS, body)).status !== 201)
    await new Promise((resolve) => setTimeout(resolve, 30));
}
