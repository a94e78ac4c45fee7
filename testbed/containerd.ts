import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { goBuildOwn } from "./go-build.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Bump when the way of compiling changes. */
const recipe = "1";

const programs = ["containerd", "ctr", "containerd-shim-runc-v2"];

/** kind's nodes use none of these. */
const tags = "no_aufs,no_zfs,no_btrfs,no_devmapper,urfave_cli_no_docs";

/** containerd's programs, in a folder. */
export interface Containerd {
  readonly folder: string;
  /** What distinguishes it from others. */
  readonly ingredient: string;
}

/** The containerd that this release of kind builds its nodes with: compiled from its module, or Debian's in place of 1.x. */
export async function findContainerd(kindModule: string, log: Log): Promise<Containerd> {
  const dockerfile = await readFile(join(kindModule, "images/base/Dockerfile"), "utf8");
  const version = /^ARG CONTAINERD_VERSION="?v([\d.]+)"?$/m.exec(dockerfile)?.[1];
  if (version === undefined) throw new Error("kind's Dockerfile names no containerd");
  return version.startsWith("1.") ? await installedContainerd() : await compileContainerd(version, log);
}

async function installedContainerd(): Promise<Containerd> {
  return { folder: "/usr/bin", ingredient: (await run("containerd", ["--version"])).trim() };
}

async function compileContainerd(version: string, log: Log): Promise<Containerd> {
  const make = (folder: string): Promise<void> =>
    phase(log, `containerd ${version}`, "compile", async () => {
      const module = { path: "github.com/containerd/containerd/v2", version: `v${version}` };
      await goBuildOwn(
        module,
        programs.map((program) => `cmd/${program}`),
        folder,
        ["-tags", tags],
      );
    });
  const folder = await part({ name: `containerd-${version}`, ingredients: [recipe, version, tags], make }, log);
  return { folder, ingredient: version };
}

/** Puts the programs where a node has them. */
export async function copyContainerd({ folder }: Containerd, bin: string): Promise<void> {
  for (const program of programs) await copyFile(join(folder, program), join(bin, program));
}
