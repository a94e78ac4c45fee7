import { Failure, type Problem } from "../errors.ts";
import type { FreeDisk } from "../host/disks.ts";
import type { Host, Platform } from "../host/inspect.ts";

/** A node image with its unpacked layers takes about this much; with less free space its pull fails halfway. */
const NEEDED_IMAGE_BYTES = 2 * 1024 ** 3;

/** What the nodes of a small cluster write to their /var, each a volume: etcd's data, logs and unpacked images. */
const NEEDED_VOLUME_BYTES = 512 * 1024 ** 2;

/** What the machine lacks, reported like a wrong input. */
export function checkMachine(host: Host): readonly Problem[] {
  return [...checkPlatform(host), ...checkEngine(host), ...checkDisks(host)];
}

/** A machine that kind's nodes do not run on. */
export function checkPlatform({ platform, architecture }: Platform): readonly Problem[] {
  if (platform === "linux" && ["amd64", "arm64"].includes(architecture)) return [];
  return [
    {
      input: "runs-on",
      value: `${platform} ${architecture}`,
      reason: "is not supported by kind's node images",
      allowed: "Linux on amd64 or arm64",
      fix: "use a runner such as ubuntu-latest",
    },
  ];
}

function checkEngine({ engine }: Host): readonly Problem[] {
  if (!(engine instanceof Error)) return [];
  return [
    {
      input: "runs-on",
      value: "Docker Engine",
      reason: engine.message,
      allowed: "a runner with a Docker Engine that this user may use",
      fix:
        (engine instanceof Failure ? engine.fix : undefined) ?? "run docker info on this machine to see what is wrong",
    },
  ];
}

function checkDisks({ engine, disks }: Host): readonly Problem[] {
  if (engine instanceof Error) return [];
  return [
    ...checkDisk(disks.images, NEEDED_IMAGE_BYTES, "is too little disk space for a node image"),
    ...checkDisk(disks.volumes, NEEDED_VOLUME_BYTES, "is too little disk space for the nodes' volumes (their /var)"),
  ];
}

function checkDisk(disk: FreeDisk | undefined, needed: number, reason: string): readonly Problem[] {
  if (disk === undefined || disk.bytes >= needed) return [];
  return [
    {
      input: "runs-on",
      value: `${(disk.bytes / 1024 ** 3).toFixed(1)} GiB free in ${disk.folder}`,
      reason,
      allowed: `${needed / 1024 ** 3} GiB or more`,
      fix: "free disk space in an earlier step (docker system prune --all), or use a runner with a larger disk",
    },
  ];
}
