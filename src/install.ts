import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { InputError } from "./errors.ts";
import { readPlatform } from "./host/inspect.ts";
import { loadFiles } from "./inputs/files.ts";
import { readInputs } from "./inputs/inputs.ts";
import { checkInstallOnly } from "./inputs/without-effect.ts";
import { checkPlatform } from "./plan/machine.ts";
import { planTool } from "./plan/plan.ts";
import { findRejected } from "./plan/rejected-inputs.ts";
import type { Installation } from "./report/installation.ts";
import { makeRunFolder } from "./run-folder.ts";
import { maskText } from "./runner/mask.ts";
import type { Runner } from "./runner/runner.ts";
import { install } from "./stages/preparation.ts";
import type { ToolRequest } from "./tools/install.ts";
import { boolean } from "./values/choices.ts";
import { inputText } from "./values/environment.ts";
import { resolveTools, type ToolVersions } from "./versions/tools.ts";

/** Whether a step only installs kind and kubectl. */
export function isInstallOnly(environment: NodeJS.ProcessEnv): boolean {
  const read = boolean(inputText(environment, "install-only"));
  return "value" in read && read.value;
}

/**
 * The story of install-only: kind and kubectl in the run's folder, where they stay until post. Docker is not looked for,
 * and there is nothing for post to find in a journal. @throws InputError before anything is touched, Failure after.
 */
export async function installTools(runner: Runner): Promise<Installation> {
  const { versions, requests } = await decideTools(runner);
  const { folders, log, timeline, saveRunDirectory } = runner;
  const runDirectory = join(folders.temp, `kind-torch-tools-${randomBytes(4).toString("hex")}`);
  saveRunDirectory(runDirectory);
  await makeRunFolder(runDirectory);
  log.startGroup("Installing kind and kubectl");
  const place = { plan: { runDirectory }, log, timeline };
  const [kind, kubectl] = await Promise.all([install(requests.kind, place), install(requests.kubectl, place)]);
  log.endGroup();
  return {
    outputs: {
      "kind-version": versions.kind,
      "kubectl-version": versions.kubectl,
      "kind-path": kind.path,
      "kubectl-path": kubectl.path,
    },
    reasons: versions.reasons,
    origins: { kind: kind.origin, kubectl: kubectl.origin },
    warnings: [kind.warning, kubectl.warning].flatMap((warning) => warning ?? []),
    phases: timeline.phases,
  };
}

/** What is installed. */
interface ToolsPlan {
  readonly versions: ToolVersions;
  readonly requests: { readonly kind: ToolRequest; readonly kubectl: ToolRequest };
}

async function decideTools({ environment, folders, log }: Runner): Promise<ToolsPlan> {
  const { inputs, warnings } = readInputs(environment, folders);
  for (const warning of warnings) log.warning(warning);
  if (inputs.artifactPassphrase !== undefined) maskText(inputs.artifactPassphrase);
  const problems = checkInstallOnly(environment, folders);
  const files = await loadFiles(inputs, folders);
  const refused = findRejected(problems);
  // A file that an input names in vain is not looked at.
  const ofFiles = files.problems.filter(({ input }) => !refused.has(input));
  const rejected = findRejected([...problems, ...ofFiles]);
  const resolution = resolveTools(
    { kubernetes: inputs.kubernetesVersion, kind: inputs.kindVersion, kubectl: inputs.kubectlVersion },
    files.catalog,
  );
  const host = readPlatform();
  // What is chosen in the place of a rejected version is not the user's.
  const isKnown = !["kubernetes-version", "kind-version", "kubectl-version", "catalog"].some((name) =>
    rejected.has(name),
  );
  const ofVersions = isKnown && "problems" in resolution ? resolution.problems : [];
  const all = [...problems, ...ofFiles, ...checkPlatform(host), ...ofVersions];
  if (all.length > 0 || !("versions" in resolution)) throw new InputError(all);
  for (const warning of files.warnings ?? []) log.warning(warning);
  const { versions } = resolution;
  const plan = (tool: "kind" | "kubectl", mirror: string | undefined) =>
    planTool({ files, host }, tool, versions[tool], mirror);
  return {
    versions,
    requests: { kind: plan("kind", inputs.kindMirror), kubectl: plan("kubectl", inputs.kubectlMirror) },
  };
}
