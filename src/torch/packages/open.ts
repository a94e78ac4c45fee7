import type { StackRequest, StackTools } from "../stack/request.ts";
import { PackageCaches } from "./caches.ts";

/** The caches of the dashboard's packages; `undefined` where nobody asks for them. */
export function openCaches(
  { plan, checkout, runDirectory }: StackRequest,
  { exec, log, timeline, tasks }: StackTools,
): PackageCaches | undefined {
  if (plan.packageCache === undefined) return undefined;
  const { images, containers, labels } = plan;
  const { context } = checkout.components.dashboard.build;
  const request = {
    plan: plan.packageCache,
    image: images.dashboard,
    container: containers.dashboard,
    context,
    labels,
    runDirectory,
  };
  return new PackageCaches(request, { exec, log, timeline, signal: tasks.signal });
}
