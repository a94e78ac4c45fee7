import { planContainers, removeContainers } from "../cluster/ownership.ts";
import type { StepContext } from "../context.ts";
import { createKeyAndRequest, type KeyAndRequest } from "../credentials/key.ts";
import { listClusterContainers } from "../docker/containers.ts";
import { findDigest, pullImage } from "../docker/images.ts";
import { removeInterrupted } from "../docker/interrupted.ts";
import { TORCH_CLUSTER_LABEL } from "../docker/labels.ts";
import type { Exec } from "../exec.ts";
import { raiseLimits } from "../host/inotify.ts";
import { findHostResolver } from "../host/resolver.ts";
import { type JournalState, writeRecord } from "../journal.ts";
import type { Plan } from "../plan/plan.ts";
import { maskKey } from "../runner/mask.ts";
import { installTool } from "../tools/install.ts";
import { removeLabelled } from "../torch/stack/removal.ts";
import { isNodeName } from "../values/nodes.ts";
import { listDigests } from "../versions/catalog.ts";

/** What the creation of a cluster needs. */
export interface Prepared {
  /** Paths of the tools. */
  readonly kind: string;
  readonly kubectl: string;
  /** How the tools came here, and what vouches for them. */
  readonly origins: { readonly kind: string; readonly kubectl: string };
  readonly key: KeyAndRequest;
  /** Each image by its reference, with its digest where it was pulled or the catalog lists it. */
  readonly pins: ReadonlyMap<string, string>;
  /** The resolver on the Docker host, where nodes are to use it. */
  readonly hostResolver: string | undefined;
}

/** Of an image that was here before and that the catalog does not list: built, loaded or pulled by something else. */
const NO_DIGEST = "no digest: an image of this machine";

/** Limits, kind, kubectl, images and the user's key, side by side: none needs another. */
export async function prepare({
  runner,
  exec,
  journal: record,
  inputs,
  files,
  host,
  plan,
}: StepContext): Promise<Prepared> {
  const { log, timeline } = runner;
  const hostResolver =
    plan.shape.dns.kind === "docker-host"
      ? await timeline.measure("Check the host's resolver", () => findHostResolver(host.kindGateway, exec))
      : undefined;
  const install = (request: Plan["kind"]) =>
    timeline.measure(`Install ${request.tool}`, async () => {
      const installed = await installTool(request, plan.runDirectory, log);
      log.info(`${request.tool} ${request.version}: ${installed.origin}`);
      if (installed.warning !== undefined) log.warning(installed.warning);
      return installed;
    });
  const pins = new Map<string, string>();
  const listed = listDigests(files.catalog);
  const [kind, kubectl, key] = await Promise.all([
    install(plan.kind),
    install(plan.kubectl),
    createKeyAndRequest(inputs.user, inputs.groups, inputs.keyAlgorithm),
    ...plan.images.map((image) =>
      timeline.measure("Pull image", async () => {
        const how = await pullImage(image, exec, log.debug);
        const pinned = await findDigest(image, how === "pulled" ? undefined : listed, exec);
        pins.set(image, pinned ?? image);
        const tag = image.includes("@") ? "" : `; ${pinned === undefined ? NO_DIGEST : `its tag is ${pinned} now`}`;
        log.info(`${image}: ${how === "present" ? "in Docker already" : "pulled"}${tag}`);
      }),
    ),
    timeline.measure("Raise limits", async () => {
      const { raised, warnings } = await raiseLimits(plan.limits, exec);
      for (const line of raised) log.info(line);
      for (const warning of warnings) log.warning(warning);
    }),
  ]);
  maskKey(key.privateKey);
  record.kind = kind.path;
  record.kubectl = kubectl.path;
  writeRecord(plan.runDirectory, record);
  // Last, so that a download or a pull that fails costs nobody a cluster.
  if (inputs.existing === "replace") {
    const removed = await timeline.measure("Remove what is there already", () => removeOlder(plan, record, exec));
    if (removed.length > 0) {
      log.info(`Removed ${removed.length} container(s) of an older ${plan.shape.name} (existing: replace)`);
    }
  }
  const origins = { kind: kind.origin, kubectl: kubectl.origin };
  return { kind: kind.path, kubectl: kubectl.path, origins, key, hostResolver, pins };
}

/** Removes an older cluster of the plan's name and its TORCH-V2, what Docker is still making of them included. */
async function removeOlder(
  { shape, images, torch }: Plan,
  record: JournalState,
  exec: Exec,
): Promise<readonly string[]> {
  const [image = ""] = images;
  const pending = [
    ...planContainers(record, shape.nodes, image),
    ...Object.values(torch?.containers ?? {}).map((name) => ({
      name,
      image,
      marks: [`--label=${TORCH_CLUSTER_LABEL}=${shape.name}`],
    })),
  ];
  const removeListed = async () => {
    // What only has the label is not the old cluster's: the create names it.
    const older = (await listClusterContainers(exec, shape.name)).filter(
      ({ name, created }) => isNodeName(name, shape.name) && Date.parse(created) < Date.parse(record.startedAt),
    );
    await removeContainers(older, exec);
    return [...older.map(({ name }) => name), ...(await removeLabelled(`${TORCH_CLUSTER_LABEL}=${shape.name}`, exec))];
  };
  return await removeInterrupted(pending, removeListed, exec);
}
