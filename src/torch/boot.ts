import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type CredentialPaths, credentialFiles } from "../credentials/files.ts";
import { describeError, Failure } from "../failure.ts";
import { findGateway, KIND_NETWORK } from "../host/docker.ts";
import type { Run } from "../process.ts";
import type { Log } from "../runner/log.ts";
import type { Timeline } from "../runner/timeline.ts";
import type { Tasks } from "../tasks.ts";
import type { Checkout } from "./checkout.ts";
import { COMPONENTS, type Component, forEachComponent, type PerComponent } from "./components.ts";
import { type ComposeModel, type ComposeService, DEFAULT_SHARES, yieldProcessor } from "./compose.ts";
import { diagnoseTorch } from "./diagnosis.ts";
import { openEngine } from "./engine.ts";
import { type Builder, buildImage } from "./images.ts";
import { planModels, publishedUrls, type TorchPlan } from "./plan.ts";
import { findDashboardSilence, waitForServices, waitUntilServing } from "./readiness.ts";

/** What a boot works with. */
export interface BootTools {
  readonly run: Run;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly tasks: Tasks;
}

/** A boot under way. */
export interface Boot {
  /** Starts the dashboard and the engine, each as soon as its image and the networks are there. */
  start(): void;
  /** Starts the service layer with the credential files that were just written; anew where it runs with older ones. */
  startServices(): void;
  /** Keeps the service layer from being started with credential files that are about to go. */
  withholdServices(): void;
  /** Waits until every component serves, the plans deployed. */
  waitUntilServing(): Promise<Booted>;
}

/** TORCH-V2 as it runs. */
export interface Booted {
  readonly urls: PerComponent<string>;
  /** The keys of the processes that the engine has from the plans. */
  readonly processes: readonly string[];
}

/** Begins to boot TORCH-V2 by building its images, side by side: they need nothing of a cluster. */
export function beginBoot(
  plan: TorchPlan,
  checkout: Checkout,
  credentials: CredentialPaths,
  builder: Builder,
  runDirectory: string,
  { run, log, timeline, tasks }: BootTools,
): Boot {
  const { signal } = tasks;
  /** Counts the sets of credential files: a start that waited for its image is only done with the latest. */
  let latest = 0;
  const models = planModels(plan, checkout, credentials);
  const urls = publishedUrls(checkout);
  const waiting = {
    run,
    log,
    signal,
    credentialFiles: credentialFiles(credentials),
    runDirectory,
    waitSeconds: plan.waitSeconds,
    yields: () => latest === 0,
  };

  const images = forEachComponent((component) =>
    tasks.begin(async () => {
      const { build } = checkout.components[component.name];
      await timeline.measure(`Build image: ${component.title}`, () =>
        buildImage({ component, build, image: plan.images[component.name] }, builder, {
          run,
          debug: log.debug,
          signal,
        }),
      );
      log.info(`${component.title}: image built`);
    }),
  );
  const issued = Promise.withResolvers<void>();
  let networks: Promise<void> | undefined;
  let dashboard: Promise<void> | undefined;
  let engine: Promise<readonly string[]> | undefined;
  const startComponent = (component: Component, model: ComposeModel) =>
    timeline.measure(`Start ${component.title}`, () =>
      startContainers(component, model, runDirectory, { run, debug: log.debug, signal }),
    );
  /** Starts a component that needs no credentials. Until those are issued it yields to the control plane. */
  const start = async (component: Component) => {
    await Promise.all([images[component.name], networks]);
    const { service } = checkout.components[component.name];
    await startComponent(component, yieldProcessor(models[component.name], service));
    tasks.begin(async () => {
      await issued.promise;
      await restoreShares(plan.containers[component.name], models[component.name].services[service], run, log);
    });
  };
  const startDashboard = async () => {
    await start(COMPONENTS.dashboard);
    await timeline.measure("Dashboard serves", () =>
      waitUntilServing(
        { component: COMPONENTS.dashboard, container: plan.containers.dashboard },
        () => findDashboardSilence(urls.dashboard, signal),
        waiting,
      ),
    );
    log.info(`dashboard: serves ${urls.dashboard}`);
  };
  const startEngine = async () => {
    await start(COMPONENTS.engine);
    const client = openEngine(urls.engine, signal);
    await timeline.measure("Flowable engine serves", () =>
      waitUntilServing(
        { component: COMPONENTS.engine, container: plan.containers.engine },
        () => client.findSilence(),
        waiting,
      ),
    );
    log.info(`Flowable engine: serves ${urls.engine}`);
    const plans = await timeline.measure("Deploy BPMN plans", async () =>
      client.deployPlans(checkout.plans, await readFile(checkout.plans)),
    );
    log.info(`Flowable engine: ${plans.processes.length} process(es) ${plans.deployed ? "deployed" : "there already"}`);
    return plans.processes;
  };
  let services: Promise<void> | undefined;
  return {
    start() {
      networks = tasks.begin(() => prepareNetworks(plan, run, signal));
      dashboard = tasks.begin(startDashboard);
      engine = tasks.begin(startEngine);
    },
    startServices() {
      latest += 1;
      const mine = latest;
      const before = services;
      issued.resolve();
      services = tasks.begin(async () => {
        await Promise.all([before, images.services, networks]);
        if (mine !== latest) return;
        await startComponent(COMPONENTS.services, models.services);
      });
    },
    withholdServices() {
      latest += 1;
    },
    async waitUntilServing() {
      await services;
      const [processes] = await Promise.all([
        engine,
        dashboard,
        timeline.measure("Service layer serves", () =>
          waitForServices(
            { container: plan.containers.services, url: urls.services, connectors: plan.connectors },
            waiting,
          ),
        ),
      ]);
      log.info(`service layer: serves ${urls.services}`);
      return { urls, processes: processes ?? [] };
    },
  };
}

/** Makes the run's own network, and waits for kind's, which kind makes when it creates the cluster. */
async function prepareNetworks(plan: TorchPlan, run: Run, signal: AbortSignal): Promise<void> {
  await run({
    file: "docker",
    args: [
      "network",
      "create",
      ...Object.entries(plan.labels).map(([name, value]) => `--label=${name}=${value}`),
      plan.network,
    ],
    timeoutSeconds: 60,
    purpose: "making TORCH-V2's network",
    signal,
  });
  while (plan.endpoint === "internal" && (await findGateway(KIND_NETWORK, run)) === undefined) {
    await sleep(300, undefined, { signal });
  }
}

const START_SECONDS = 900;

/** Gives a component back its share of the processors; one that is gone by then has another story to tell. */
async function restoreShares(container: string, own: ComposeService | undefined, run: Run, log: Log): Promise<void> {
  await run({
    file: "docker",
    args: ["update", `--cpu-shares=${own?.cpu_shares ?? DEFAULT_SHARES}`, container],
    timeoutSeconds: 60,
    purpose: `restoring the processor share of ${container}`,
  }).catch((error: unknown) => log.debug(describeError(error)));
}

/** Starts a component and its helpers with compose. @throws Failure with compose's words. */
async function startContainers(
  { name, title }: Component,
  model: ComposeModel,
  runDirectory: string,
  { run, debug, signal }: { readonly run: Run; readonly debug: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await run({
      file: "docker",
      args: [
        "compose",
        "--file=-",
        // What the environment or a .env file here says of compose is about somebody else's project.
        `--project-name=${model.name}`,
        `--project-directory=${runDirectory}`,
        "--env-file=/dev/null",
        ...["up", "--detach", "--no-build", "--force-recreate", "--quiet-pull"],
      ],
      onLine: (line) => debug(`${name}: ${line}`),
      stdin: JSON.stringify(model),
      timeoutSeconds: START_SECONDS,
      purpose: `starting the ${title}`,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    const diagnosis = diagnoseTorch(name, describeError(error));
    throw new Failure(`${diagnosis === undefined ? "" : `${diagnosis.cause}\n`}${describeError(error)}`, {
      cure:
        diagnosis?.cure ??
        "check what the compose file asks for; docker compose up in the example's folder shows the same",
      cause: error,
      final: true,
    });
  }
}
