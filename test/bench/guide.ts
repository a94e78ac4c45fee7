import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPONENTS, type Component, type ComponentName, type PerComponent } from "../../src/torch/components.ts";
import { eventually, sh } from "../e2e/harness.ts";
import { DOCKER, type Edits, placeTorch } from "../e2e/torch.ts";

/** What the guide's steps need. */
export interface GuideTools {
  readonly kind: string;
  readonly kubectl: string;
  readonly image: string;
}

/** How long the guide's way took, and the parts of it that a faster way has to do too. */
export interface GuideTimes {
  readonly seconds: number;
  readonly phases: readonly (readonly [string, number])[];
  readonly components: PerComponent<ComponentTimes>;
}

/** What one component takes, in seconds: its image, and from its container's start until it serves. */
export interface ComponentTimes {
  readonly build: number;
  readonly start: number;
}

const CLUSTER = "bench-guide";
const PROJECT = "bench-guide";
const ENGINE = "http://127.0.0.1:8080/flowable-rest/service/repository/deployments";
const AUTHORIZATION = `Basic ${Buffer.from("rest-admin:test").toString("base64")}`;
const RESOURCES = "service-layer/service-binding/instantiate-k8s-cluster-manual/src/main/resources";
/** The names under which the compose files look for the images. */
const IMAGES = {
  dashboard: "edrudi97/torch-dashboard:v0.1.0",
  engine: "edrudi97/custom-flowable-rest:v0.1.0",
  services: "edrudi97/torchservices:v0.1.0",
} as const;

/**
 * How long version 1's dashboard takes to start, half of it computing: `npm install` of its lock file 50 s and `npm run
 * development` 6 s, measured on two cores with empty caches. The time of its `composer install` is not known.
 */
const DASHBOARD_SECONDS = 50;

/** A copy of TORCH-V2 without any layer in the build cache, with a dashboard that starts as the real one does. */
export async function placeUnbuilt(folder: string): Promise<void> {
  await placeTorch(folder, unbuilt(`ENV STARTUP_SECONDS=${DASHBOARD_SECONDS}`));
}

/** Edits of the Dockerfiles with which no layer is in the build cache. @param line another one for the dashboard's. */
export function unbuilt(line?: string): Edits {
  const mark = `ENV BENCH=${Math.random()}`;
  const edits = Object.values(COMPONENTS).map(({ name, folder: context }) => {
    const lines = name === "dashboard" && line !== undefined ? `${mark}\n${line}` : mark;
    return [join(context, "Dockerfile"), (text: string) => text.replace(/^(FROM .*)$/m, `$1\n${lines}`)] as const;
  });
  return Object.fromEntries(edits);
}

/** Boots TORCH-V2 by hand as in its guide: one step after the other, on the guide's two nodes. */
export async function bootByGuide(tools: GuideTools, place = placeUnbuilt): Promise<GuideTimes> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-guide-"));
  const torch = join(folder, "torch_v2");
  await place(torch);
  const start = performance.now();
  const phases: [string, number][] = [];
  const step = async (name: string, work: () => Promise<unknown>): Promise<number> => {
    const begin = performance.now();
    await work();
    phases.push([name, (performance.now() - start) / 1000]);
    return (performance.now() - begin) / 1000;
  };
  /** Builds and starts a component. @returns what waits until it serves: a person goes on in the meantime. */
  const bring = async (component: Component, serves: () => Promise<boolean>) => {
    const built = await step(`build the ${component.title}`, () => build(torch, component));
    const begin = performance.now();
    await step(`start the ${component.title}`, () => compose(folder, torch, component));
    const served = eventually(`the ${component.title} serves`, serves, 300).then(() => performance.now());
    return async (): Promise<ComponentTimes> => {
      await step(`wait for the ${component.title}`, () => served);
      return { build: built, start: ((await served) - begin) / 1000 };
    };
  };
  try {
    await step("create the cluster", () => createCluster(folder, tools));
    await step("credentials", () => issueByHand(folder, tools));
    await writeFile(join(folder, "network.yaml"), "networks: { default: { external: true, name: kind } }\n");
    const isUp = (url: string) => async () => (await answer(url)).status === 200;
    const waitForDashboard = await bring(COMPONENTS.dashboard, isUp("http://127.0.0.1:8005/login"));
    const waitForEngine = await bring(COMPONENTS.engine, isUp(ENGINE));
    const engine = await waitForEngine();
    await step("deploy the BPMN plans", () => deployPlans(torch));
    await step("put the credentials in place", async () => {
      for (const file of ["torch.key", "torch-signed.crt", "ca.crt"]) {
        await cp(join(folder, file), join(torch, RESOURCES, file));
      }
    });
    const waitForServices = await bring(COMPONENTS.services, hasDiscovered);
    const services = await waitForServices();
    const dashboard = await waitForDashboard();
    return { seconds: (performance.now() - start) / 1000, phases, components: { dashboard, engine, services } };
  } finally {
    for (const { name } of Object.values(COMPONENTS)) {
      const ids = (await sh("docker", ["ps", "--all", "--quiet", labelOf(name)])).split("\n").filter((id) => id !== "");
      if (ids.length > 0) await sh("docker", ["rm", "--force", "--volumes", ...ids]);
    }
    await sh(tools.kind, ["delete", "cluster", `--name=${CLUSTER}`, `--kubeconfig=${join(folder, "kubeconfig")}`]);
    await sh("docker", ["image", "rm", "--force", ...Object.values(IMAGES)]);
    await rm(folder, { recursive: true });
  }
}

async function createCluster(folder: string, { kind, image }: GuideTools): Promise<void> {
  const configuration = join(folder, "kind_cluster.yaml");
  const nodes = [{ role: "control-plane" }, { role: "worker" }];
  await writeFile(configuration, JSON.stringify({ kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4", nodes }));
  const args = ["create", "cluster", `--name=${CLUSTER}`, `--image=${image}`, `--config=${configuration}`];
  await sh(kind, [...args, `--kubeconfig=${join(folder, "kubeconfig")}`], 300);
}

async function issueByHand(folder: string, { kubectl: program }: GuideTools): Promise<void> {
  const file = (name: string) => join(folder, name);
  const kubectl = (...args: readonly string[]) => sh(program, [`--kubeconfig=${file("kubeconfig")}`, ...args]);
  await sh("docker", ["cp", `${CLUSTER}-control-plane:/etc/kubernetes/pki/ca.crt`, file("ca.crt")]);
  const request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=torch"];
  await sh("openssl", [...request, "-keyout", file("torch.key"), "-out", file("torch.csr")]);
  const csr = {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: "torch" },
    spec: {
      request: (await readFile(file("torch.csr"))).toString("base64"),
      signerName: "kubernetes.io/kube-apiserver-client",
      usages: ["client auth"],
    },
  };
  await writeFile(file("csr.json"), JSON.stringify(csr));
  await kubectl("apply", `--filename=${file("csr.json")}`);
  await kubectl("certificate", "approve", "torch");
  const signed = () => kubectl("get", "csr", "torch", "--output=jsonpath={.status.certificate}");
  await eventually("the certificate is signed", async () => (await signed()) !== "");
  await writeFile(file("torch-signed.crt"), Buffer.from(await signed(), "base64"));
  await kubectl("create", "clusterrolebinding", "torch", "--clusterrole=cluster-admin", "--user=torch");
}

async function build(torch: string, { name, folder }: Component): Promise<void> {
  await sh("docker", ["buildx", "build", "--load", `--tag=${IMAGES[name]}`, join(torch, folder)], 600);
}

async function compose(folder: string, torch: string, { name, composeFile }: Component): Promise<void> {
  const files = [join(torch, DOCKER, composeFile), join(folder, "network.yaml")].map((path) => `--file=${path}`);
  await sh("docker", ["compose", `--project-name=${PROJECT}-${name}`, ...files, "up", "--detach"], 300);
}

function labelOf(component: ComponentName): string {
  return `--filter=label=com.docker.compose.project=${PROJECT}-${component}`;
}

async function answer(url: string): Promise<{ readonly status: number }> {
  return await fetch(url, { headers: { authorization: AUTHORIZATION }, signal: AbortSignal.timeout(5000) }).catch(
    () => ({ status: 0 }),
  );
}

async function deployPlans(torch: string): Promise<void> {
  const form = new FormData();
  const zip = await readFile(join(torch, DOCKER, "bpmn_plans_v2_3_8.zip"));
  form.set("archive", new File([zip], "bpmn_plans_v2_3_8.zip", { type: "application/zip" }));
  const response = await fetch(ENGINE, { method: "POST", headers: { authorization: AUTHORIZATION }, body: form });
  if (response.status !== 201) throw new Error(`the engine answers ${response.status}`);
}

async function hasDiscovered(): Promise<boolean> {
  const id = await sh("docker", ["ps", "--quiet", labelOf("services")]);
  if (id === "") return false;
  const log = await sh("sh", ["-c", `docker logs ${id} 2>&1`]);
  return (log.match(/discovery succeeded/g) ?? []).length >= 6;
}
