import { readContainerState } from "../../docker/container-state.ts";
import { restartContainer } from "../../docker/containers.ts";
import { COMPONENTS } from "../components.ts";
import { type ServiceLayer, watchBroker } from "./broker.ts";
import { explainFailure, type Running } from "./explain.ts";
import { holdBroker } from "./hold-broker.ts";
import { type Waiting, waitUntilServing } from "./readiness.ts";

/** The broker looks for its connectors once. One that is late stays lost until the next start. */
const MAX_RESTARTS = 2;

/**
 * Waits until the broker serves with every connector that it looks for. If a connector was slower than the broker, the
 * container is restarted, and the broker held back until the connectors have come to rest.
 */
export async function waitForServices(services: ServiceLayer, waiting: Waiting): Promise<void> {
  const { container } = services;
  const running = { component: COMPONENTS.services, container };
  for (let restarts = 0; ; restarts += 1) {
    const lost = await waitForBroker(services, running, waiting);
    if (lost === undefined) return;
    if (restarts === MAX_RESTARTS) {
      const what = `The service layer lost a connector, even after ${MAX_RESTARTS} restarts: ${lost}`;
      throw await explainFailure(what, [running], waiting, {
        cause:
          "A connector starts later than the broker, which looks for the connectors only once, or does not start at all.",
        fix: "find out why that connector starts late or not at all: its log file is in the collected logs",
      });
    }
    const count = `${restarts + 1} of ${MAX_RESTARTS}`;
    waiting.log.info(`The service layer lost a connector (${lost}). Restarting it (${count})`);
    await restartContainer(container, waiting.exec, waiting.signal);
    await holdBroker(container, restarts, waiting);
  }
}

/** Waits until the broker serves. @returns the line about the connector that it lost, if it lost one. */
async function waitForBroker(services: ServiceLayer, running: Running, waiting: Waiting): Promise<string | undefined> {
  const { startedAt } = await readContainerState(services.container, waiting.exec, waiting.signal);
  const look = watchBroker(services, startedAt, waiting);
  let lost: string | undefined;
  const lookUntilLost = async () => {
    const state = await look();
    if (typeof state === "string" || !("lost" in state)) return state;
    ({ lost } = state);
    return "ready";
  };
  await waitUntilServing(running, lookUntilLost, waiting);
  return lost;
}
