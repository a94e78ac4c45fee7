import { copyFile, cp, mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { installAct, installActionlint, installZizmor } from "../../test/programs.ts";
import { cacheFolder } from "../cache.ts";
import { run } from "../command.ts";
import type { Log } from "../progress.ts";
import { NODE, USER, WORK } from "./layout.ts";
import type { HostedMachine } from "./machine.ts";
import { copyTracked } from "./repository.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The environment of a job's step on a hosted machine. */
export const jobEnvironment: Readonly<Record<string, string>> = {
  PATH: [`${NODE}/bin`, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(":"),
  HOME: USER.home,
  USER: USER.name,
  LANG: "C.UTF-8",
  // The file of CAs that Node.js trusts in addition to its own, as other programs do.
  NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
};

/**
 * Puts Node.js, the programs that check and run workflows, and the repository where the machine's user has them. A
 * catalog of the test environment replaces the built-in one, as if an update of the catalog had found it published.
 */
export async function supply(machine: HostedMachine, catalog: string | undefined, log: Log): Promise<void> {
  const at = (path: string) => join(machine.home, relative(USER.home, path));
  await mkdir(at(`${NODE}/bin`), { recursive: true });
  await copyFile(process.execPath, at(`${NODE}/bin/node`));
  const programs = await Promise.all([installAct(log), installActionlint(log), installZizmor(log)]);
  for (const program of programs) {
    const part = join(cacheFolder(), "parts", relative(join(cacheFolder(), "parts"), program).split("/")[0] ?? "");
    const own = at(join(USER.home, ".cache/kind-torch-bed/parts", relative(dirname(part), part)));
    await cp(part, own, { recursive: true });
  }
  await copyTracked(ROOT, at(WORK));
  if (catalog !== undefined) await copyFile(catalog, at(join(WORK, "src/versions/catalog.json")));
  await run("chown", ["--recursive", `${USER.id}:${USER.id}`, machine.home]);
}
