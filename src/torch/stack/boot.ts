import { setTimeout as sleep } from "node:timers/promises";
import type { CredentialPaths } from "../../credentials/files.ts";
import { setShares } from "../../docker/containers.ts";
import { pullImage } from "../../docker/images.ts";
import { refuseReservedLabels } from "../../docker/labels.ts";
import { findGateway, KIND_NETWORK } from "../../docker/networks.ts";
import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { restoreDefaultWeight } from "../../host/cpu-weight.ts";
import type { Log } from "../../runner/log.ts";
import { withoutSecrets } from "../../runner/mask.ts";
import type { Tasks } from "../../tasks.ts";
import type { Timeline } from "../../timeline.ts";
import { listConnectors } from "../checkout/connectors.ts";
import type { CheckedCheckout } from "../checkout/sources.ts";
import { openEngine } from "../clients/engine.ts";
import { COMPONENTS, type Component, forEachComponent, type PerComponent } from "../components.ts";
import {
  type ComposeModel,
  findOwnKey,
  QUICK_JAVA,
  STARTING_SHARES,
  withoutDefault,
  withShares,
  YIELDING_SHARES,
} from "../compose/plan.ts";
import { diagnoseTorch } from "../diagnosis.ts";
import { planModels, publishedUrls, type TorchPlan } from "../plan.ts";
import { type Builder, buildImage, setsVariable } from "./images.ts";
import { waitUntilServing, watchDashboard } from "./readiness.ts";
import { waitForServices } from "./services.ts";

/** What a boot works with. */
export interface BootTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly tasks: Tasks;
}

/** A boot under way. Its parts fail the tasks that they run among. */
export interface Boot {
  /** Settles when the service layer's image is built, the longest way to a whole boot. */
  readonly servicesBuilt: Promise<void>;
  /** Starts the dashboard and the engine, each as soon as its image and the networks are there. */
  start(): void;
  /** Starts the service layer with the credential files that were just written, and again where it runs with older ones. */
  startServices(): void;
  /** Keeps the service layer from being started with credential files that are about to go. */
  cancelServices(): void;
  /** Waits until the dashboard serves. @returns its address on this machine. */
  waitForDashboard(): Promise<string>;
  /** Waits until every component serves, the plans deployed. */
  waitUntilServing(): Promise<Booted>;
  /** Gives the service layer back its usual share of the processors, once nothing is made through it any more. */
  settle(): Promise<void>;
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
  checkout: CheckedCheckout,
  credentials: CredentialPaths,
  builder: Builder,
  runDirectory: string,
  { exec, log, timeline, tasks }: BootTools,
): Boot {
  const { signal } = tasks;
  const models = planModels(plan, checkout, credentials);
  const urls = publishedUrls(checkout);
  /** Whether the service layer serves: until then the engine yields the processors to the cluster and to it. */
  let calm = false;
  const waiting = {
    exec,
    log,
    signal,
    waitSeconds: plan.waitSeconds,
    yields: () => false,
  };
  const running = forEachComponent((component) => ({ component, container: plan.containers[component.name] }));

  const images = forEachComponent((component) =>
    tasks.begin(async () => {
      const { build } = checkout.components[component.name];
      await timeline.measure(`Build image: ${component.title}`, () =>
        buildImage({ component, build, image: plan.images[component.name] }, builder, {
          exec,
          debug: log.debug,
          signal,
        }),
      );
      log.info(`${component.title}: image built`);
    }),
  );
  // Before the first container starts: one that has the checkout mounted may change it.
  const connectors = tasks.begin(() => listConnectors(checkout.components.services.build.context));
  const networks = Promise.withResolvers<void>();
  const served = Promise.withResolvers<void>();

  const start = async (component: Component, shares?: number) => {
    await Promise.all([images[component.name], networks.promise]);
    const own = await chooseModel(component);
    const model = shares === undefined ? own : withShares(own, findOwnKey(own), shares);
    await timeline.measure(`Start ${component.title}`, () =>
      startContainers(component, model, runDirectory, { exec, debug: log.debug, signal }),
    );
  };
  /** An image that has options for Java keeps them, as a compose file does. */
  const chooseModel = async ({ name }: Component) => {
    const model = models[name];
    if (!(await setsVariable(plan.images[name], "JAVA_TOOL_OPTIONS", exec))) return model;
    return withoutDefault(model, findOwnKey(model), "JAVA_TOOL_OPTIONS", QUICK_JAVA);
  };
  const restoreShares = async ({ name }: Component) => {
    const own = models[name].services[findOwnKey(models[name])]?.cpu_shares;
    const container = plan.containers[name];
    // 0 stands for the default too.
    const restored = own ? setShares(container, own, exec) : restoreDefaultWeight(container, exec);
    await restored.catch((error: unknown) =>
      // One that is gone by now is another's failure to tell.
      log.debug(describeError(error)),
    );
  };
  const startDashboard = async () => {
    // It installs its packages when its container starts, which takes longest of all: it yields to nobody.
    await start(COMPONENTS.dashboard);
    await timeline.measure("Dashboard serves", () =>
      waitUntilServing(running.dashboard, watchDashboard(urls.dashboard, signal), waiting),
    );
    log.info(`dashboard: serves ${urls.dashboard}`);
    return urls.dashboard;
  };
  const startEngine = async () => {
    // It starts within seconds, and is not needed before the service layer is: until then it yields the processors.
    await start(COMPONENTS.engine, YIELDING_SHARES);
    tasks.begin(async () => {
      await served.promise;
      await restoreShares(COMPONENTS.engine);
    });
    const client = openEngine(urls.engine, signal);
    await timeline.measure("Flowable engine serves", () =>
      waitUntilServing(
        running.engine,
        async () => {
          const reason = await client.notReadyReason();
          return reason === undefined ? "ready" : { reason };
        },
        { ...waiting, yields: () => !calm },
      ),
    );
    log.info(`Flowable engine: serves ${urls.engine}`);
    await restoreShares(COMPONENTS.engine);
    const plans = await timeline.measure("Deploy BPMN plans", async () =>
      client.deployPlans(checkout.plans, checkout.planBytes),
    );
    log.info(`Flowable engine: ${plans.processes.length} process(es) ${plans.deployed ? "deployed" : "there already"}`);
    return plans.processes;
  };
  /** Counts the sets of credential files: a start that waited for its image is only done with the newest. */
  let newest = 0;
  const startServices = async (set: number) => {
    await images.services;
    if (set !== newest) return;
    const listed = await connectors;
    await start(COMPONENTS.services, STARTING_SHARES);
    await timeline.measure("Service layer serves", () =>
      waitForServices(
        { container: plan.containers.services, url: urls.services, connectors: plan.connectors, listed },
        waiting,
      ),
    );
    log.info(`service layer: serves ${urls.services}`);
    calm = true;
    served.resolve();
  };
  const dashboard = tasks.begin(startDashboard);
  const engine = tasks.begin(startEngine);
  let services: Promise<void> = Promise.resolve();
  return {
    servicesBuilt: images.services,
    start() {
      tasks.begin(() => prepareNetworks(plan, exec, signal)).then(networks.resolve, () => undefined);
    },
    startServices() {
      newest += 1;
      const set = newest;
      const before = services;
      services = tasks.begin(async () => {
        await before;
        await startServices(set);
      });
    },
    cancelServices() {
      newest += 1;
    },
    waitForDashboard: () => dashboard,
    async waitUntilServing() {
      const [processes] = await Promise.all([engine, dashboard, services]);
      return { urls, processes };
    },
    settle: () => restoreShares(COMPONENTS.services),
  };
}

/** Makes the run's own network, and waits for kind's, which kind makes when it creates the cluster. */
async function prepareNetworks(plan: TorchPlan, exec: Exec, signal: AbortSignal): Promise<void> {
  await exec({
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
  while (plan.endpoint === "internal" && (await findGateway(KIND_NETWORK, exec)) === undefined) {
    await sleep(300, undefined, { signal });
  }
}

/** Pulls what is not built, and looks at every image before compose creates a container from it. */
async function checkImages({ services }: ComposeModel, exec: Exec, onLine: (line: string) => void): Promise<void> {
  const named = Object.values(services).flatMap(({ image, pull_policy, platform }) =>
    image === undefined ? [] : [{ image, pulls: pull_policy, platform }],
  );
  for (const { image, pulls, platform } of named) {
    if (pulls === "never" || pulls === "build") continue;
    await pullImage(image, exec, onLine, {
      again: pulls === "always",
      ...(platform === undefined ? {} : { platform }),
    });
  }
  await refuseReservedLabels(
    named.map(({ image }) => image),
    exec,
  );
}

const START_SECONDS = 900;

/** Starts a component and its helpers with compose. @throws Failure with compose's words. */
async function startContainers(
  { name, title }: Component,
  model: ComposeModel,
  runDirectory: string,
  {
    exec,
    debug,
    signal,
  }: { readonly exec: Exec; readonly debug: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await checkImages(model, exec, (line) => debug(`${name}: ${line}`));
    await exec({
      file: "docker",
      args: [
        "compose",
        "--file=-",
        // What the environment or a .env file here says of compose is about another project.
        `--project-name=${model.name}`,
        `--project-directory=${runDirectory}`,
        "--env-file=/dev/null",
        ...["up", "--detach", "--no-build", "--force-recreate", "--pull=never"],
      ],
      onLine: (line) => debug(`${name}: ${line}`),
      stdin: JSON.stringify(model),
      timeoutSeconds: START_SECONDS,
      purpose: `starting the ${title}`,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    const words = withoutSecrets(describeError(error));
    const diagnosis = diagnoseTorch(name, words);
    throw new Failure(`${diagnosis === undefined ? "" : `${diagnosis.cause}\n`}${words}`, {
      fix:
        diagnosis?.fix ??
        "check what the compose file asks for; docker compose up in the example's folder shows the same",
      cause: error,
      retryable: false,
    });
  }
}
