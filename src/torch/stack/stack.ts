import { listConnectors } from "../checkout/connectors.ts";
import { openEngine } from "../clients/engine.ts";
import { COMPONENTS, type Component, type ComponentName, forEachComponent, type PerComponent } from "../components.ts";
import type { ComposeModel } from "../compose/model.ts";
import { findOwnKey } from "../compose/plan.ts";
import { HIGH_CPU_SHARES, LOW_CPU_SHARES, withCpuShares } from "../compose/tuning.ts";
import type { PackageCaches } from "../packages/caches.ts";
import { openCaches } from "../packages/open.ts";
import { planModels, planUrls } from "../plan.ts";
import { BuildReports } from "./build-reports.ts";
import { checkRuns } from "./explain.ts";
import { buildImage } from "./images.ts";
import { prepareNetworks } from "./networks.ts";
import { deployPlansTo } from "./plans.ts";
import { restoreShares, withFastJava } from "./priority.ts";
import { type Progress, startProgress } from "./progress.ts";
import { type Waiting, waitUntilServing, watchDashboard, watchEngine } from "./readiness.ts";
import type { StackRequest, StackTools } from "./request.ts";
import { waitForServices } from "./services.ts";
import { startContainers } from "./start.ts";

/**
 * TORCH-V2's containers while they boot. Its images are built at once, side by side: they need nothing of a cluster.
 * Whatever fails in it fails the tasks that it runs among.
 */
export class TorchStack {
  /** Addresses, as this step reaches them. */
  readonly urls: PerComponent<string>;
  /** Settles when the service layer's image is built, the longest path to a complete boot. */
  readonly servicesBuilt: Promise<void>;
  /** Settles when the dashboard serves. */
  readonly dashboardServes: Promise<void>;
  /** What the images took from earlier builds. */
  readonly builds: BuildReports;
  /** The caches of the dashboard's packages, if they are kept. */
  readonly caches: PackageCaches | undefined;

  readonly #request: StackRequest;
  readonly #tools: StackTools;
  readonly #models: PerComponent<ComposeModel>;
  readonly #images: PerComponent<Promise<void>>;
  readonly #connectors: Promise<readonly string[] | undefined>;
  readonly #networks = Promise.withResolvers<void>();
  /** The keys of the processes that the engine has from the plans. */
  readonly #engine: Promise<readonly string[]>;
  readonly #progress: Progress;
  #services: Promise<void> = Promise.resolve();
  readonly #servicesServe = Promise.withResolvers<void>();
  /** Whether the service layer serves: until then the engine leaves the processors to the cluster and to it. */
  #servicesServing = false;

  constructor(request: StackRequest, tools: StackTools) {
    const { plan, checkout, site } = request;
    this.#request = request;
    this.#tools = tools;
    this.#progress = startProgress(tools.log);
    this.builds = new BuildReports(request.builder.hint, tools.log);
    tools.tasks.signal.addEventListener("abort", () => this.#progress.stop());
    this.#models = planModels(plan, checkout, site);
    this.urls = planUrls(plan, checkout, site);
    this.caches = openCaches(request, tools);
    this.#images = forEachComponent((component) => tools.tasks.begin(() => this.#buildImage(component)));
    this.servicesBuilt = this.#images.services;
    // Before the first container starts: one that has the checkout mounted may change it.
    this.#connectors = tools.tasks.begin(() => listConnectors(checkout.components.services.build.context));
    this.dashboardServes = tools.tasks.begin(() => this.#startDashboard());
    this.#engine = tools.tasks.begin(() => this.#startEngine());
  }

  /** Starts the dashboard and the engine, each as soon as its image and the networks are there. */
  start(): void {
    // Its failure is the tasks'.
    void this.#tools.tasks
      .begin(() => prepareNetworks(this.#request.plan, this.#tools))
      .then(this.#networks.resolve, () => undefined);
  }

  /**
   * Starts the service layer with the credential files that were just written, and again where it runs with older ones.
   * @param replaced aborted when these files are about to go: a start that waited for its image until then is left out.
   */
  startServices(replaced: AbortSignal): void {
    const before = this.#services;
    this.#services = this.#tools.tasks.begin(async () => {
      await Promise.all([before, this.#images.services]);
      if (!replaced.aborted) await this.#startServices();
    });
  }

  /** Waits until every component serves, the plans deployed. @returns the keys of the engine's processes. */
  async waitUntilServing(): Promise<readonly string[]> {
    const [processes] = await Promise.all([this.#engine, this.dashboardServes, this.#services]);
    // One that served early may have ended while the others started.
    const check = (each: Component) => checkRuns(this.#runningOf(each), "after it had served", this.#waiting(each));
    await Promise.all(Object.values(COMPONENTS).map(check));
    this.#progress.stop();
    return processes;
  }

  /** Gives the service layer back its usual share of the processors, once nothing is made through it any more. */
  settle(): Promise<void> {
    return this.#restoreShares("services");
  }

  async #buildImage(component: Component): Promise<void> {
    const { plan, checkout, builder, runDirectory } = this.#request;
    const { exec, log, timeline, tasks } = this.#tools;
    const { build } = checkout.components[component.name];
    this.#progress.say(component, "builds its image");
    const say = (step: string) => this.#progress.say(component, step);
    const tools = { exec, debug: log.debug, say, runDirectory, signal: tasks.signal };
    const built = await timeline.measure(`Build image: ${component.title}`, () =>
      buildImage({ component, build, image: plan.images[component.name] }, builder, tools),
    );
    this.builds.add(component, built);
    say(`waits for the cluster${component.name === "services" ? " and its credentials" : "'s network"}`);
  }

  async #startDashboard(): Promise<void> {
    // It installs its packages when its container starts, which takes longest of all: it leaves nothing to others.
    await this.#startContainers(COMPONENTS.dashboard);
    const url = this.urls.dashboard;
    const look = watchDashboard(url, this.#tools.tasks.signal);
    const serve = () =>
      waitUntilServing(this.#runningOf(COMPONENTS.dashboard), look, this.#waiting(COMPONENTS.dashboard));
    const startAgain = () => this.#startContainers(COMPONENTS.dashboard);
    await this.#tools.timeline.measure("Dashboard serves", () => this.caches?.serve(serve, startAgain) ?? serve());
    this.#progress.done(COMPONENTS.dashboard);
    this.#tools.log.info(`dashboard: serves ${url}`);
  }

  async #startEngine(): Promise<readonly string[]> {
    const { log, timeline, tasks } = this.#tools;
    // It starts within seconds and is needed last: until then it has the lowest priority.
    await this.#startContainers(COMPONENTS.engine, LOW_CPU_SHARES);
    void tasks.begin(async () => {
      await this.#servicesServe.promise;
      await this.#restoreShares("engine");
    });
    const client = openEngine(this.urls.engine, tasks.signal);
    const waiting = { ...this.#waiting(COMPONENTS.engine), yields: () => !this.#servicesServing };
    await timeline.measure("Flowable engine serves", () =>
      waitUntilServing(this.#runningOf(COMPONENTS.engine), watchEngine(client), waiting),
    );
    log.info(`Flowable engine: serves ${this.urls.engine}`);
    await this.#restoreShares("engine");
    this.#progress.say(COMPONENTS.engine, "takes the BPMN plans");
    const processes = await timeline.measure("Deploy BPMN plans", () =>
      deployPlansTo(client, this.#request.checkout, this.#runningOf(COMPONENTS.engine), waiting),
    );
    this.#progress.done(COMPONENTS.engine);
    return processes;
  }

  async #startServices(): Promise<void> {
    const { plan } = this.#request;
    const listed = await this.#connectors;
    await this.#startContainers(COMPONENTS.services, HIGH_CPU_SHARES);
    const container = plan.containers.services;
    const url = this.urls.services;
    await this.#tools.timeline.measure("Service layer serves", () =>
      waitForServices({ container, url, connectors: plan.connectors, listed }, this.#waiting(COMPONENTS.services)),
    );
    this.#progress.done(COMPONENTS.services);
    this.#tools.log.info(`service layer: serves ${url}`);
    this.#servicesServing = true;
    this.#servicesServe.resolve();
  }

  async #startContainers(component: Component, shares?: number): Promise<void> {
    await Promise.all([this.#images[component.name], this.#networks.promise]);
    const { exec, log, timeline, tasks } = this.#tools;
    const { plan, runDirectory } = this.#request;
    const own = await withFastJava(this.#models[component.name], plan.images[component.name], exec);
    const weighted = shares === undefined ? own : withCpuShares(own, findOwnKey(own), shares);
    const offer = component.name === "dashboard" ? await this.caches?.offer(weighted) : undefined;
    this.#progress.say(component, "starts its containers");
    await timeline.measure(`Start ${component.title}`, () =>
      startContainers(component, offer?.model ?? weighted, {
        ...{ exec, debug: log.debug, runDirectory, signal: tasks.signal },
        fill: offer?.fill,
      }),
    );
  }

  async #restoreShares(name: ComponentName): Promise<void> {
    await restoreShares(this.#models[name], this.#request.plan.containers[name], this.#tools);
  }

  #runningOf(component: Component) {
    return { component, container: this.#request.plan.containers[component.name] };
  }

  #waiting(component: Component): Waiting {
    const { exec, log, tasks } = this.#tools;
    const say = (reason: string) => this.#progress.say(component, reason);
    return { exec, log, say, signal: tasks.signal, waitSeconds: this.#request.plan.waitSeconds, yields: () => false };
  }
}
