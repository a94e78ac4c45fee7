import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { Problem } from "../errors.ts";
import type { Exec } from "../exec.ts";
import type { Host } from "../host/inspect.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { Runner } from "../runner/runner.ts";
import { readSources } from "../torch/checkout/sources.ts";
import { planAccess } from "../torch/clusters/cluster.ts";
import type { TorchPlan } from "../torch/plan.ts";
import type { PlannedPlaces } from "./places.ts";
import type { Planned } from "./plan.ts";
import type { Rejected } from "./rejected-inputs.ts";

/** Whether nothing that is wrong with the sources would rest on a rejected input, or be said twice. */
export function canReadSources({ clusterName }: Inputs, rejected: Rejected, planned: Planned): boolean {
  const nameUnknown = clusterName === undefined && rejected.has(CONFIGURATION_INPUT);
  if (nameUnknown || [...rejected].some((name) => /^(?:torch|cluster-name$|existing$)/.test(name))) return false;
  const { nameField } = planned.places.shape;
  // An engine that is missing and a name that is taken are refused already.
  const isRefused = ({ input, value }: Problem) =>
    input === "runs-on" || (input === nameField.input && value === nameField.value);
  return !("problems" in planned && planned.problems.some(isRefused));
}

/** Stands for the port of the step's own API server, which is not known yet. */
const LONGEST_PORT = 65535;

/** What sources are read with. */
export interface SourcesContext extends Pick<Runner, "folders" | "environment"> {
  readonly host: Pick<Host, "site">;
  readonly inputs: Inputs;
  readonly exec: Exec;
}

/** Reads TORCH-V2's sources as the plan wants them. */
export async function readTorchSources(
  torch: TorchPlan,
  plan: PlannedPlaces,
  { inputs, folders, environment, exec, host }: SourcesContext,
) {
  return await readSources(
    {
      plan: torch,
      workspace: folders.workspace,
      environment,
      site: host.site,
      access: planAccess(torch, LONGEST_PORT),
      replaces: inputs.existing === "replace",
      clusterPorts: [...plan.ports, ...(plan.pulls.registry === undefined ? [] : [plan.pulls.registry.port])],
    },
    exec,
  );
}
