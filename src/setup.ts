import { join } from "node:path";
import type { StepContext } from "./context.ts";
import { credentialFiles, findMissingFolders, makeDirectory } from "./credentials/files.ts";
import { createExec } from "./exec.ts";
import { findProxies } from "./host/proxy.ts";
import { type JournalState, makeRunDirectory, writeRecord } from "./journal.ts";
import { type Decisions, decide } from "./plan/decide.ts";
import { describeOutcome, type Outcome } from "./report/outcome.ts";
import type { Runner } from "./runner/runner.ts";
import { makeCluster } from "./stages/cluster.ts";
import { prepare } from "./stages/preparation.ts";
import { publish } from "./stages/publication.ts";
import { beginTorch, finishTorch } from "./stages/torch.ts";
import { runTasks } from "./tasks.ts";

/** One run: inputs -> plan -> effects -> outcome. @throws InputError before the machine is touched, Failure after. */
export async function setUp(runner: Runner): Promise<Outcome> {
  const { log, timeline } = runner;
  const decision = await decide(runner);
  const { inputs, plan } = decision;
  const record = await openRecord(runner, decision);
  const exec = createExec(plan.runDirectory);

  return await runTasks(async (tasks) => {
    const session: StepContext = { ...decision, runner, exec, journal: record, tasks };
    log.startGroup("Preparing host, tools and images");
    const torch = await beginTorch(session);
    const prepared = await prepare(session);
    torch?.boot.start();
    log.endGroup();

    log.startGroup(`Creating cluster ${plan.shape.name}`);
    const made = await makeCluster(session, prepared, torch);
    log.endGroup();

    const booted = torch === undefined ? undefined : await finishTorch(session, torch, prepared, made);
    const artifact = await publish(session, prepared.key.privateKey);
    record.failed = false;
    writeRecord(plan.runDirectory, record);
    return describeOutcome(inputs, plan, {
      ...prepared,
      ...made,
      torch: booted,
      artifact,
      proxies: findProxies(runner.environment),
      phases: timeline.phases,
    });
  });
}

/** Writes down what post would have to undo, before it is done. */
async function openRecord(runner: Runner, { inputs, plan }: Decisions): Promise<JournalState> {
  runner.saveRunDirectory(plan.runDirectory);
  await makeRunDirectory(plan.runDirectory);
  const record: JournalState = {
    cluster: plan.shape.name,
    nodes: plan.shape.nodes.map((node) => node.name),
    startedAt: new Date().toISOString(),
    owner: join(plan.runDirectory, "owner"),
    cleanup: inputs.cleanup,
    logs: inputs.logs,
    logsArtifactName: plan.logsArtifactName,
    logsFolder: undefined,
    artifactRetentionDays: inputs.artifactRetentionDays,
    internetProbe: inputs.internetProbe,
    kind: undefined,
    credentialFiles: credentialFiles(plan.credentials),
    createdDirectories: await findMissingFolders(plan.credentials.directory),
    created: false,
    pending: [],
    failedTries: false,
    failedLogs: [],
    torch: undefined,
    namespace: undefined,
    kubectl: undefined,
    failed: true,
  };
  writeRecord(plan.runDirectory, record);
  await makeDirectory(plan.credentials.directory);
  return record;
}
