import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { pause } from "../poll.ts";
import { createContainer, listContainerNames, nameFilter, removeContainers } from "./containers.ts";

/** A container that Docker was asked to create, under a name that is known before. */
export interface PendingContainer {
  readonly name: string;
  /** An image that Docker has: the container's own. */
  readonly image: string;
  /** Arguments of `docker create` that mark a container as this run's. */
  readonly marks: readonly string[];
}

/** How long Docker may go on creating a container after its client is gone. */
const MAX_SECONDS = 60;
const POLL_MILLISECONDS = 100;

/** An engine that takes longer than this for a name was busy, or stopped. */
const SLOW_MILLISECONDS = 2000;

/**
 * Removes what an interrupted run left. Docker finishes what a client that is gone had asked for, so a container may
 * appear after everything that could be listed was removed; this goes on until no pending container can appear any more.
 * @param removeOwn removes what is listed by now and returns its names.
 * @returns the names of what was removed.
 * @throws Failure when Docker is still creating a container after a minute.
 */
export async function removeInterrupted(
  pending: readonly PendingContainer[],
  removeOwn: () => Promise<readonly string[]>,
  exec: Exec,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const deadline = performance.now() + MAX_SECONDS * 1000;
  let open = pending;
  let checkedAgain = pending.length === 0;
  for (;;) {
    const begin = performance.now();
    const listed = await findListed(open, exec);
    removed.push(...(await removeOwn()));
    const taken = await Promise.all(open.map((container) => isNameTaken(container, exec)));
    // What was listed before the removal and still has its name is not this run's.
    open = open.filter(({ name }, index) => taken[index] === true && !listed.has(name));
    if (open.length === 0) {
      const slow = performance.now() - begin >= SLOW_MILLISECONDS * pending.length;
      if (checkedAgain || !slow) return removed;
      // An engine that was stopped takes up requests in any order: check once more when it has caught up.
      checkedAgain = true;
      open = pending;
    } else if (performance.now() > deadline) {
      throw stillCreating(open);
    }
    await pause(POLL_MILLISECONDS);
  }
}

function stillCreating(open: readonly PendingContainer[]): Failure {
  const names = open.map(({ name }) => name).join(", ");
  return new Failure(`Docker is still creating ${names} after ${MAX_SECONDS} s.`, {
    fix: "check whether Docker Engine hangs; what it creates is removed once it is listed",
  });
}

/** Those of the names that Docker lists a container for. */
async function findListed(pending: readonly PendingContainer[], exec: Exec): Promise<ReadonlySet<string>> {
  if (pending.length === 0) return new Set();
  const filters = pending.map(({ name }) => nameFilter(name));
  const options = { timeoutSeconds: 60, purpose: "listing containers by name" };
  return new Set(await listContainerNames(filters, options, exec));
}

/**
 * Whether Docker has a container of this name or is creating one. Docker reserves the name when it begins and lists the
 * container when it is created (moby, daemon/create.go), so taking the name is the one way to ask. If it is free, a
 * request for it that Docker has not begun yet fails on ours.
 */
async function isNameTaken({ name, image, marks }: PendingContainer, exec: Exec): Promise<boolean> {
  let id: string;
  try {
    const args = ["--pull=never", "--network=none", `--name=${name}`, ...marks, image, "true"];
    id = await createContainer(args, { timeoutSeconds: 60, purpose: `asking whether ${name} is being created` }, exec);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (/already in use by container/i.test(error.stderr)) return true;
    // Docker looks for the image first: without it, it has begun nothing.
    if (/no such image|unable to find image/i.test(error.stderr)) return false;
    throw error;
  }
  await removeContainers([id], { timeoutSeconds: 60, purpose: `releasing the name ${name}` }, exec);
  return false;
}
