import { describeError, Failure } from "../../errors.ts";
import { COMPONENTS, type ComponentName } from "../components.ts";
import { explainEnd, explainFailure } from "../stack/explain.ts";
import type { DeploymentRequest, DeploymentTools } from "./request.ts";

const ALL: readonly ComponentName[] = ["services", "engine", "dashboard"];

/** Which component has ended, if one has, and how; what was seen of it besides. */
export async function explainEnded(
  what: string,
  request: DeploymentRequest,
  { exec, signal }: DeploymentTools,
): Promise<Failure | undefined> {
  const when = ["during the deployment", what.replace(/\.$/, "")].filter((part) => part !== "").join(". ");
  const ends = ALL.map((name) =>
    explainEnd({ component: COMPONENTS[name], container: request.containers[name] }, when, { exec, signal }),
  );
  return (await Promise.all(ends)).find((failure) => failure !== undefined);
}

/**
 * Why a deployment failed, with the last lines of the components concerned. If one has ended, that is the reason: what the
 * others say follows from it.
 */
export async function explainDeployment(
  what: string,
  request: DeploymentRequest,
  tools: DeploymentTools,
  concerned: readonly ComponentName[] = ["services"],
): Promise<Failure> {
  const ended = await explainEnded(what, request, tools);
  if (ended !== undefined) return ended;
  const running = concerned.map((name) => ({ component: COMPONENTS[name], container: request.containers[name] }));
  return await explainFailure(what, running, { exec: tools.exec });
}

/** The same for an error of the dashboard or the engine, unless it has a fix already. */
export async function explainError(
  error: unknown,
  request: DeploymentRequest,
  tools: DeploymentTools,
  concerned: readonly ComponentName[],
): Promise<unknown> {
  tools.signal.throwIfAborted();
  if (!(error instanceof Failure) || error.fix !== undefined) return error;
  return await explainDeployment(describeError(error), request, tools, concerned);
}
