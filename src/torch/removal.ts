import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, type Run } from "../process.ts";

/** How long Docker may still be at what a client that was killed had asked for. */
const SETTLING_MILLISECONDS = 3000;

/**
 * Removes what a boot left that was broken off: Docker may go on to make a container for a while.
 * @returns how many containers.
 */
export async function removeBrokenOff(label: string, run: Run): Promise<number> {
  const end = performance.now() + SETTLING_MILLISECONDS;
  let count = await removeLabelled(label, run);
  while (performance.now() < end) {
    await sleep(500);
    count += await removeLabelled(label, run);
  }
  return count;
}

/** Removes every container (with its anonymous volumes), volume and network that carries a label. @returns how many containers. */
export async function removeLabelled(label: string, run: Run): Promise<number> {
  const list = async (args: readonly string[]) => {
    const { stdout } = await run({
      file: "docker",
      args: [...args, "--quiet", "--filter", `label=${label}`],
      timeoutSeconds: 60,
      purpose: "looking for what TORCH-V2 left",
    });
    return stdout.split("\n").filter((id) => id !== "");
  };
  const remove = async (args: readonly string[], ids: readonly string[]) => {
    if (ids.length === 0) return;
    await run({
      file: "docker",
      args: [...args, ...ids],
      timeoutSeconds: 180,
      purpose: "removing what TORCH-V2 left",
    });
  };
  const containers = await list(["ps", "--all"]);
  await remove(["rm", "--force", "--volumes"], containers);
  await remove(["volume", "rm", "--force"], await list(["volume", "ls"]));
  await remove(["network", "rm"], await list(["network", "ls"]));
  return containers.length;
}

/** Removes the images that a run tagged; the build cache keeps their layers. */
export async function removeImages(images: readonly string[], run: Run): Promise<void> {
  for (const image of images) {
    await run({
      file: "docker",
      args: ["image", "rm", "--force", image],
      timeoutSeconds: 120,
      purpose: `removing ${image}`,
    }).catch((error: unknown) => {
      // A run that ended early has not built all of them.
      if (!(error instanceof CommandError && /no such image/i.test(error.stderr))) throw error;
    });
  }
}
