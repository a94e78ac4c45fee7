import { planContainers, removeClusterContainers } from "../cluster/ownership.ts";
import type { StepContext } from "../context.ts";
import { createKey, createRequest, type KeyAndRequest } from "../credentials/key.ts";
import { listClusterContainers } from "../docker/cluster-containers.ts";
import { findDigest } from "../docker/images.ts";
import { removeInterrupted } from "../docker/interrupted.ts";
import { RUN_CLUSTER_LABEL } from "../docker/labels.ts";
import { pullImage } from "../docker/pull.ts";
import { joiningContainer } from "../docker/site.ts";
import { raiseEngineLimits, raiseLimits } from "../host/inotify.ts";
import { findHostResolver } from "../host/resolver.ts";
import type { Plan } from "../plan/plan.ts";
import { maskKey } from "../runner/mask.ts";
import { type InstalledTool, installTool, type ToolRequest } from "../tools/install.ts";
import { removeLabelled } from "../torch/stack/removal.ts";
import { isNodeName } from "../values/nodes.ts";
import { listDigests } from "../versions/catalog.ts";
import { beginImages, type ImageLoad } from "./images.ts";

/** The installed programs. */
export interface Tools {
  /** Paths. */
  readonly kind: string;
  readonly kubectl: string;
  /** How they came here, and what vouches for them. */
  readonly origins: { readonly kind: string; readonly kubectl: string };
}

/** What the creation of a cluster needs. */
export interface Supplies {
  readonly tools: Tools;
  readonly key: KeyAndRequest;
  /** The resolver on the Docker host, where nodes are to use it. */
  readonly hostResolver: string | undefined;
  /** The images for the nodes; `undefined` where none is asked for. */
  readonly images: ImageLoad | undefined;
}

/** Each image by its reference, with its digest where it was pulled or the catalog lists it. */
export type Pins = ReadonlyMap<string, string>;

/** Limits, kind, kubectl, images and the user's key, side by side: none needs another. */
export async function prepare(context: StepContext): Promise<Supplies & { readonly pins: Pins }> {
  const { inputs, plan, journal } = context;
  const hostResolver = await checkHostResolver(context);
  const images = await beginImages(context);
  const pulled = pullImages(context);
  const [kind, kubectl, key, pins] = await Promise.all([
    install(plan.kind, context),
    install(plan.kubectl, context),
    prepareKey(context),
    pulled,
    raiseHostLimits(context, pulled),
  ]);
  maskKey(key.privateKey);
  journal.update({ kind: kind.path, kubectl: kubectl.path });
  // Last, so that a download or a pull that fails costs nobody a cluster.
  if (inputs.existing === "replace") {
    await images?.present;
    await replaceOlder(context);
  }
  const origins = { kind: kind.origin, kubectl: kubectl.origin };
  return { tools: { kind: kind.path, kubectl: kubectl.path, origins }, key, hostResolver, images, pins };
}

/** The user's key, or a new one, with the request for its certificate. */
async function prepareKey({ inputs, files }: StepContext): Promise<KeyAndRequest> {
  const key = files.clientKey?.key ?? (await createKey(inputs.keyAlgorithm));
  return await createRequest(inputs.user, inputs.groups, key);
}

async function checkHostResolver({ plan, host, exec, timeline }: StepContext): Promise<string | undefined> {
  if (plan.shape.dns.kind !== "docker-host") return undefined;
  return await timeline.measure("Check the host's resolver", () => findHostResolver(host.kindGateway, exec));
}

/** Installs a tool into the run's folder, as a phase. */
export async function install(
  request: ToolRequest,
  { plan, log, timeline }: Pick<StepContext, "log" | "timeline"> & { readonly plan: Pick<Plan, "runDirectory"> },
): Promise<InstalledTool> {
  return await timeline.measure(`Install ${request.tool}`, async () => {
    const installed = await installTool(request, plan.runDirectory, log);
    log.info(`${request.tool} ${request.version}: ${installed.origin}`);
    if (installed.warning !== undefined) log.warning(installed.warning);
    return installed;
  });
}

/** Of an image that was here before and that the catalog does not list: built, loaded or pulled by something else. */
const NO_DIGEST = "no digest: an image of this machine";

async function pullImages({ plan, files, exec, log, timeline }: StepContext): Promise<Pins> {
  const listed = listDigests(files.catalog);
  const pins = plan.images.map((image) =>
    timeline.measure("Pull image", async () => {
      const how = await pullImage(image, exec, log.debug);
      const pinned = await findDigest(image, how === "pulled" ? undefined : listed, exec);
      const tag = image.includes("@") ? "" : `; ${pinned === undefined ? NO_DIGEST : `its tag is ${pinned} now`}`;
      log.info(`${image}: ${how === "present" ? "in Docker already" : "pulled"}${tag}`);
      return [image, pinned ?? image] as const;
    }),
  );
  return new Map(await Promise.all(pins));
}

/** @param pulled settles when the node image is there, which raises the limits of a machine that is not this step's. */
async function raiseHostLimits(
  { plan, host, exec, log, timeline }: StepContext,
  pulled: Promise<unknown>,
): Promise<void> {
  const isOwn = host.site.kind === "this-machine";
  if (!isOwn) await pulled;
  await timeline.measure("Raise limits", async () => {
    const { raised, warnings } = isOwn
      ? await raiseLimits(plan.limits, exec)
      : await raiseEngineLimits(plan.limits, plan.images[0] ?? plan.versions.nodeImage, exec);
    for (const line of raised) log.info(line);
    for (const warning of warnings) log.warning(warning);
  });
}

async function replaceOlder(context: StepContext): Promise<void> {
  const { plan, log, timeline } = context;
  const removed = await timeline.measure("Remove what is there already", () => removeOlder(context));
  if (removed.length === 0) return;
  log.info(`Removed ${removed.length} container(s) of an older ${plan.shape.name} (existing: replace)`);
}

/** Removes an older cluster of the plan's name and its TORCH-V2, registry and load balancers, including what Docker is still creating of them. */
async function removeOlder({ plan, host, journal, exec }: StepContext): Promise<readonly string[]> {
  const { shape, images, torch, pulls, loadBalancer } = plan;
  const [image = ""] = images;
  const beside = [
    ...Object.values(torch?.containers ?? {}),
    ...(pulls.registry === undefined ? [] : [pulls.registry.container.name]),
    ...(loadBalancer === undefined ? [] : [loadBalancer.container.name]),
  ];
  const pending = [
    ...planContainers(journal.state, shape.nodes, image),
    ...beside.map((name) => ({
      name,
      image,
      marks: [`--label=${RUN_CLUSTER_LABEL}=${shape.name}`],
    })),
  ];
  const startedAt = Date.parse(journal.state.startedAt);
  const removeListed = async () => {
    // What only has the label is not the old cluster's: the create names it.
    const older = (await listClusterContainers(exec, shape.name)).filter(
      ({ name, created }) => isNodeName(name, shape.name) && Date.parse(created) < startedAt,
    );
    await removeClusterContainers(older, exec);
    // An earlier step of this job may have had its container join TORCH-V2's network.
    const label = `${RUN_CLUSTER_LABEL}=${shape.name}`;
    return [...older.map(({ name }) => name), ...(await removeLabelled(label, exec, joiningContainer(host.site)))];
  };
  return await removeInterrupted(pending, removeListed, exec);
}
