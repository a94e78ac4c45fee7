import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Inputs } from "../inputs/inputs.ts";
import type { Plan } from "../plan/plan.ts";

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
