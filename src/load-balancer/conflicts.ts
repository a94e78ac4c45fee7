import type { Problem } from "../errors.ts";
import type { Host } from "../host/inspect.ts";
import type { Catalog } from "../versions/catalog.ts";
import type { LoadBalancerPlan } from "./plan.ts";

/** A provider that no image is known for, or whose name is taken. */
export function checkLoadBalancer(
  { container }: LoadBalancerPlan,
  {
    names,
    catalog,
    existing,
  }: { readonly names: Host["names"]; readonly catalog: Catalog; readonly existing: "fail" | "replace" },
): readonly Problem[] {
  const held = names.find(({ name }) => name === container.name);
  // One of an older run is removed with what there is of its cluster.
  const replaced = held?.loadBalancer === true && existing === "replace";
  return [
    ...(catalog.cloudProvider === undefined ? [NO_IMAGE] : []),
    ...(held === undefined || replaced
      ? []
      : [
          {
            input: "load-balancer",
            value: "true",
            reason: `needs the container name ${held.name}, and another container has it (image ${held.image}, ${held.status})`,
            allowed: "a cluster-name with which that name is free on this machine",
            fix:
              held.loadBalancer === true
                ? "choose another cluster-name, or set existing: replace: an older run left that container"
                : `choose another cluster-name, or remove that container yourself (docker rm ${held.name})`,
          },
        ]),
  ];
}

const NO_IMAGE: Problem = {
  input: "load-balancer and catalog",
  value: "true",
  reason: "needs the images of cloud-provider-kind and of its proxy, and the catalog names none",
  allowed: "a catalog with cloudProvider, such as the built-in one",
  fix: "add cloudProvider with image and proxy to the catalog, or leave catalog out to use the built-in one",
};
