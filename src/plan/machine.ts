import { Failure, type Problem } from "../failure.ts";
import type { Survey } from "../host/survey.ts";

/** A node image and its layers unpacked take about this much; less than it free ends in a half-written image. */
const NEEDED_DISK_BYTES = 2 * 1024 ** 3;

/** What the machine lacks, as plainly as a bad input is said. */
export function checkMachine(survey: Survey): readonly Problem[] {
  return [...checkPlatform(survey), ...checkEngine(survey), ...checkDisk(survey)];
}

function checkPlatform({ platform, architecture }: Survey): readonly Problem[] {
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

function checkEngine({ engine }: Survey): readonly Problem[] {
  if (!(engine instanceof Error)) return [];
  return [
    {
      input: "runs-on",
      value: "Docker Engine",
      reason: engine.message,
      allowed: "a runner with a Docker Engine that this user may use",
      fix: (engine instanceof Failure ? engine.cure : undefined) ?? "look at docker info on this machine",
    },
  ];
}

function checkDisk({ engine, freeDisk }: Survey): readonly Problem[] {
  if (engine instanceof Error || freeDisk === undefined || freeDisk.bytes >= NEEDED_DISK_BYTES) return [];
  return [
    {
      input: "runs-on",
      value: `${(freeDisk.bytes / 1024 ** 3).toFixed(1)} GiB free in ${freeDisk.folder}`,
      reason: "is too little disk for a node image",
      allowed: `${NEEDED_DISK_BYTES / 1024 ** 3} GiB or more`,
      fix: "free room in an earlier step (docker system prune --all), or use a runner with a larger disk",
    },
  ];
}
