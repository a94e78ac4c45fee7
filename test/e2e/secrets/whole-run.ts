import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepResult } from "../../../scripts/local/runner.ts";
import { type ActionRun, eventually, type Machine, prepareRun, sh } from "../harness.ts";
import { ContainerBuilder } from "../layers/builder.ts";
import { dashboardVariables, type PackageRegistry, startPackageRegistry } from "../package-registry.ts";
import { CSAR, DOCKER, placeTorch, useLightServices } from "../torch.ts";
import { type Secret, secretKey, secretText, secretToken } from "./needles.ts";
import { type PrivateRegistry, startPrivateRegistry } from "./private-registry.ts";
import { type RunnerServices, startRunnerServices } from "./services.ts";

export const CLUSTER = "e2e-secrets";
const LOGIN = {
  password: "pull-secret-of-the-registry-1f",
  hash: "$2y$05$abcdefghijklmnopqrstuuPoPq0krZXvYeadaCPQSKe64L2Z.uPqy",
};
/** No secret: it is put into each place that is searched, so that a search that finds nothing there fails. */
export const CANARY = `canary-${randomBytes(12).toString("hex")}`;
export const canary = secretText("the canary", CANARY);

const random = () => randomBytes(24).toString("base64url");
const PASSPHRASE = `a passphrase/with "all" kinds \\ ${random()}`;
/** Secrets of the job, as a workflow gives them to a step. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  API_TOKEN: random(),
  GITHUB_TOKEN: `ghs_${random().replaceAll(/\W/g, "x")}`,
  DEPLOY_PASSWORD: `p/w"${random()}`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: random(),
};

/** A run with everything that the Action has to do with secrets, before it begins. */
export interface WholeRun {
  readonly run: ActionRun;
  readonly services: RunnerServices;
  readonly builder: ContainerBuilder;
  readonly passphrase: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Those that are there before main. */
  readonly secrets: readonly Secret[];
  dispose(): Promise<void>;
}

/** Prepares it. */
export async function prepareWholeRun(machine: Machine): Promise<WholeRun> {
  const builder = await ContainerBuilder.create("secrets-test");
  const services = await startRunnerServices(join(builder.folder, "services"));
  const files = join(builder.folder, "registry");
  await mkdir(files);
  const registry = await startPrivateRegistry(machine, files, LOGIN);
  const packages = await startPackages();
  const run = await prepareRun(machine, {
    ...{ "cluster-name": CLUSTER, workers: "0", torch: "torch_v2", "torch-csar": CSAR, logs: "always" },
    ...{ artifact: "true", "artifact-name": `credentials-${CANARY}`, "artifact-passphrase": PASSPHRASE },
    ...{ "client-key": "own.key", "pull-credentials": "own.json", "registry-mirrors": registry.mirror },
    ...{ registry: "true", "registry-port": "5031", "torch-package-cache": "../temp/packages" },
  });
  const key = await placeFiles(run, registry, packages);
  return {
    ...{ run, services, builder, passphrase: PASSPHRASE },
    environment: { ...ENVIRONMENT, ...services.environment, ...builder.environment },
    secrets: [
      secretKey("the user's key", key),
      secretText("the passphrase", PASSPHRASE),
      secretText("the registry's password", LOGIN.password),
      secretToken("the runner's token", services.token),
      secretText("the storage's signature", services.signature),
      ...Object.entries(ENVIRONMENT).map(([name, value]) => secretText(name, value)),
    ],
    dispose: async () => {
      await Promise.all([packages.close(), registry.stop(), services.stop()]);
      await builder.dispose();
      await run.dispose();
    },
  };
}

async function startPackages(): Promise<PackageRegistry> {
  const address = await sh("docker", ["network", "inspect", "bridge", "--format={{(index .IPAM.Config 0).Gateway}}"]);
  const packages = { composer: 2, npm: 2, pip: 2 };
  return await startPackageRegistry({ packages, bytes: 20_000, bytesPerSecond: 20_000_000, address });
}

/** Places the checkout and the user's files. @returns the user's key. */
async function placeFiles({ folders }: ActionRun, registry: PrivateRegistry, packages: PackageRegistry) {
  const { workspace, temp } = folders;
  const torch = join(workspace, "torch_v2");
  const settings = Object.entries({ ...dashboardVariables(packages), STARTUP_SECONDS: "1" });
  const variables = ["environment:", ...settings.map(([name, value]) => `      - ${name}=${value}`)].join("\n");
  await placeTorch(torch, {
    [`${DOCKER}/docker-compose-torch-dashboard-solver.yaml`]: (text) => text.replace("environment:", variables),
    "dashboard/Dockerfile": (text) => text.replace(/^EXPOSE/m, `ENV CANARY=${CANARY}\nRUN echo ${CANARY} >/c\nEXPOSE`),
    "dashboard/start-dashboard.sh": (text) => text.replace(/^for name/m, `echo ${CANARY} | tee /var/canary\nfor name`),
  });
  await useLightServices(torch);
  await mkdir(join(temp, "packages"));
  const path = join(workspace, "own.key");
  await sh("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path]);
  await writeFile(join(workspace, "own.json"), registry.configuration, { mode: 0o600 });
  return await readFile(path, "utf8");
}

/** The secrets that main made, from where they have to be. */
export async function secretsOf({ outputs, state }: StepResult): Promise<readonly Secret[]> {
  const kubeconfig = await readFile(outputs.kubeconfig ?? "", "utf8");
  const data = /client-key-data: (\S+)/.exec(kubeconfig)?.[1] ?? "";
  const pki = (name: string) =>
    sh("docker", ["exec", `${CLUSTER}-control-plane`, "cat", `/etc/kubernetes/pki/${name}.key`]);
  const password = await readFile(join(state["run-directory"] ?? "", "torch-password"), "utf8");
  return [
    secretKey("the admin's key", Buffer.from(data, "base64").toString()),
    secretKey("the CA's key", await pki("ca")),
    secretKey("the key of service accounts", await pki("sa")),
    secretText("the dashboard's password", password),
  ];
}

/** Has a pod pull an image with the credentials that the kubelet got. */
export async function pullWithPassword({ outputs }: StepResult, image: string): Promise<void> {
  const kubectl = (...args: readonly string[]) =>
    sh(outputs["kubectl-path"] ?? "", [`--kubeconfig=${outputs.kubeconfig}`, ...args]);
  await kubectl("run", "pulls", `--image=${image}`);
  await eventually("the pod runs", async () => (await kubectl("get", "pod", "pulls")).includes("Running"));
}
