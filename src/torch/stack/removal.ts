import { setTimeout as sleep } from "node:timers/promises";
import { type PendingContainer, removeInterrupted } from "../../docker/interrupted.ts";
import { CommandError, type Exec } from "../../exec.ts";

const SETTLING_MILLISECONDS = 2000;

/**
 * Removes what a boot made. After one that was interrupted it goes on until none of its containers can appear any more.
 * @returns how many containers.
 */
export async function removeBoot(
  { label, containers }: { readonly label: string; readonly containers: readonly PendingContainer[] },
  interrupted: boolean,
  exec: Exec,
): Promise<number> {
  const removed = await removeInterrupted(interrupted ? containers : [], () => removeLabelled(label, exec), exec);
  if (!interrupted) return removed.length;
  // Networks and volumes have no name to ask for before they are there; Docker makes them in moments, one after the other.
  let last: readonly string[] = [];
  for (const end = performance.now() + SETTLING_MILLISECONDS; performance.now() < end; ) {
    await sleep(500);
    last = [...last, ...(await removeLabelled(label, exec))];
  }
  return removed.length + last.length;
}

/** Removes every container (with its anonymous volumes), volume and network that carries a label. @returns the containers. */
export async function removeLabelled(label: string, exec: Exec): Promise<readonly string[]> {
  const list = async (args: readonly string[]) => {
    const { stdout } = await exec({
      file: "docker",
      args: [...args, "--quiet", "--filter", `label=${label}`],
      timeoutSeconds: 60,
      purpose: "looking for what TORCH-V2 left",
    });
    return stdout.split("\n").filter((id) => id !== "");
  };
  const remove = async (args: readonly string[], ids: readonly string[]) => {
    if (ids.length === 0) return;
    await exec({
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
  return containers;
}

/** Removes the images that a run tagged; the build cache keeps their layers. */
export async function removeImages(images: readonly string[], exec: Exec): Promise<void> {
  for (const image of images) {
    await exec({
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
