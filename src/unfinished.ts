import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { reopenJournal } from "./journal.ts";
import { endProcess, type ProcessIdentity } from "./leftovers.ts";

/**
 * Ends a main that was stopped before the runner knew its run's folder, and finds that folder. In a job's container main is
 * not stopped with its step, and what it passes to the runner later reaches nobody.
 * @returns `undefined` where it was ended before it made one.
 */
export async function endUnfinished(main: ProcessIdentity, temp: string): Promise<string | undefined> {
  await endProcess(main);
  for (const name of await readdir(temp)) {
    if (!name.startsWith("kind-torch-")) continue;
    const folder = join(temp, name);
    // Another run's folder may be removed by its own post meanwhile.
    const state = await reopenJournal(folder).then(
      (journal) => journal?.state,
      () => undefined,
    );
    if (state?.main?.pid === main.pid && state.main.start === main.start) return folder;
  }
  return undefined;
}
