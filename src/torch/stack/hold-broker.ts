import { measureProcessor } from "../../docker/container-state.ts";
import { signalContainer } from "../../docker/containers.ts";
import { describeError } from "../../errors.ts";
import { pause, poll } from "../../poll.ts";
import type { Waiting } from "./readiness.ts";

/** How long the container's main process gets to start the connectors, in seconds. */
const START_SECONDS = 3;

/** A container at rest uses less of a processor than this. */
const RESTING = 0.1;

/** How often in a row a container must be at rest. */
const RESTING_LOOKS = 2;
const POLL_MILLISECONDS = 500;

/** How long the broker is held back at least, in seconds: longer from the second restart on, for connectors that start late. */
const MIN_HOLD_SECONDS = [0, 60] as const;

/** How long it is held back at most. Connectors that never come to rest are not waited for. */
const MAX_HOLD_SECONDS = 90;

/**
 * Holds the broker back until the connectors have started: the container's main process, which starts the connectors and
 * some seconds later the broker, is stopped in between. If another process starts the broker, this has no effect.
 */
export async function holdBroker(container: string, restarts: number, { exec, log, signal }: Waiting): Promise<void> {
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const minSeconds = MIN_HOLD_SECONDS[restarts] ?? 0;
  let resting = 0;
  const measureUntilResting = async () => {
    const settled = resting >= RESTING_LOOKS && elapsed() >= minSeconds;
    if (settled || elapsed() >= MAX_HOLD_SECONDS) return true;
    const used = await measureProcessor(container, exec).catch(() => undefined);
    resting = used !== undefined && used < RESTING ? resting + 1 : 0;
    return undefined;
  };
  await pause(START_SECONDS * 1000, signal);
  log.info("Holding the broker back until the connectors have started");
  try {
    await signalContainer(container, "STOP", exec);
    await poll(measureUntilResting, { everyMilliseconds: POLL_MILLISECONDS, signal });
  } catch (error) {
    signal.throwIfAborted();
    // The wait for the service layer reports a container that has ended.
    log.debug(describeError(error));
  } finally {
    const go = () => signalContainer(container, "CONT", exec);
    await go()
      .catch(go)
      .catch((error: unknown) => log.debug(describeError(error)));
  }
  log.info(`The connectors have started (${elapsed().toFixed(0)} s); now the broker`);
}
