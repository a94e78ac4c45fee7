import { type FastBootPlan, planFastBoot } from "../cluster/fast-boot/plan.ts";
import type { Versions } from "../versions/resolve.ts";
import type { PlanFacts } from "./facts.ts";
import type { PlannedPlaces } from "./places.ts";

type ImageFacts = Pick<PlanFacts, "inputs" | "files">;

/** The images of the nodes: those that the user's configuration names, and the chosen one for nodes without. */
export function planNodeImages(
  facts: ImageFacts,
  { shape }: PlannedPlaces,
  { nodeImage }: Versions,
): readonly string[] {
  const configured = configuredImages(facts);
  const everyNodeHasImage = configured.length > 0 && configured.length === shape.nodes.length;
  return [...new Set([...configured, ...(everyNodeHasImage ? [] : [nodeImage])])];
}

/** The images that kind creates containers from: the nodes', and its load balancer's with several control planes. */
export function planImages(
  nodeImages: readonly string[],
  { shape }: PlannedPlaces,
  { loadBalancerImage }: Versions,
): readonly string[] {
  const controlPlanes = shape.nodes.filter((node) => node.role === "control-plane");
  const needsBalancer = controlPlanes.length > 1 && loadBalancerImage !== undefined;
  return [...new Set([...nodeImages, ...(needsBalancer ? [loadBalancerImage] : [])])];
}

/** How the first try boots. An image from elsewhere may contain other control-plane images than its version suggests. */
export function chooseBoot(facts: ImageFacts, { shape }: PlannedPlaces, { kubernetes }: Versions): FastBootPlan {
  const { inputs, files } = facts;
  const listed = new Set(files.catalog.kind.flatMap(({ images }) => images.map(({ image }) => image)));
  const named = [...configuredImages(facts), ...(inputs.nodeImage === undefined ? [] : [inputs.nodeImage])];
  const unlisted = named.find((image) => !listed.has(image));
  if (unlisted !== undefined) return { notUsedBecause: `the catalog does not list the node image ${unlisted}` };
  return planFastBoot(shape, files.configuration, kubernetes);
}

function configuredImages({ files }: ImageFacts): readonly string[] {
  return (files.configuration?.nodes ?? []).flatMap((node) => (typeof node.image === "string" ? [node.image] : []));
}
