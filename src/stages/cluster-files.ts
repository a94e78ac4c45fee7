import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { IMAGES_MOUNT, RESOLV_CONF_MOUNT, type RunAdditions } from "../cluster/config/render.ts";
import { type NodeFile, planNodeFiles } from "../cluster/node-files.ts";
import type { StepContext } from "../context.ts";
import { enginePath } from "../docker/engine-paths.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { Plan } from "../plan/plan.ts";
import type { PullMounts } from "../pulls/files.ts";
import { CERTS_FOLDER, KUBELET_CREDENTIALS } from "../pulls/hosts.ts";

/** The user's kind configuration as it was written. */
export async function readConfiguration({ kindConfig }: Inputs): Promise<string | undefined> {
  if (kindConfig?.kind !== "file") return kindConfig?.text;
  return await readFile(kindConfig.path, "utf8").catch(() => undefined);
}

/** Puts the resolv.conf that the kubelets are to use into the run's folder, where one is asked for. */
export async function placeResolvConf({ shape, runDirectory }: Plan, hostResolver: string | undefined) {
  if (shape.dns.kind === "resolv-conf") return shape.dns.path;
  if (hostResolver === undefined) return undefined;
  const path = join(runDirectory, "resolv.conf");
  await writeFile(path, `nameserver ${hostResolver}\n`);
  return path;
}

/** What a run adds to kind's configuration for its nodes, and what it copies into them. */
export interface RunFiles extends Omit<RunAdditions, "defaults"> {
  readonly copies: readonly NodeFile[];
}

/** What the nodes are given: paths of this step. */
interface GivenFiles {
  readonly resolvConf: string | undefined;
  /** The folder of the archives of images. */
  readonly images: string | undefined;
  readonly pulls: PullMounts;
}

/** Plans how the nodes get the files of a run, and what proves that they are its own. */
export function planRunFiles({ plan, host }: StepContext, { resolvConf, images, pulls }: GivenFiles): RunFiles {
  const { site } = host;
  const file = (path: string | undefined, target: string) => (path === undefined ? [] : [{ path, target }]);
  const { mounts, copies } = planNodeFiles(site, [
    ...file(resolvConf, RESOLV_CONF_MOUNT),
    ...file(pulls.certs, CERTS_FOLDER),
    ...file(pulls.credentials, KUBELET_CREDENTIALS),
  ]);
  // An archive is put there when the nodes run already: it is copied then, where it cannot be mounted.
  const archives = images === undefined ? undefined : enginePath(site, images);
  return {
    mounts: [
      { hostPath: plan.owner.source, containerPath: plan.owner.destination },
      ...mounts,
      ...(archives === undefined ? [] : [{ hostPath: archives, containerPath: IMAGES_MOUNT }]),
    ],
    copies,
    setsResolvConf: resolvConf !== undefined,
    setsRegistryHosts: pulls.certs !== undefined,
    // What is not there is refused, or a path of another machine.
    enginePath: (path) => enginePath(site, path) ?? path,
  };
}
