import { describeError, Failure } from "../../errors.ts";
import { COMPONENTS, type ComponentName } from "../components.ts";
import { explainFailure } from "../stack/explain.ts";
import type { DeploymentRequest, DeploymentTools } from "./request.ts";

/** Why a deployment failed, with the last lines of the components concerned. */
export async function explainDeployment(
  what: string,
  request: DeploymentRequest,
  { exec }: DeploymentTools,
  concerned: readonly ComponentName[] = ["services"],
): Promise<Failure> {
  const running = concerned.map((name) => ({ component: COMPONENTS[name], container: request.containers[name] }));
  return await explainFailure(what, running, { exec });
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
