import { mkdir } from "node:fs/promises";
import { ownerFolder } from "./cluster/ownership.ts";
import type { StepContext } from "./context.ts";
import { credentialFiles, findMissingFolders, makeDirectory } from "./credentials/files.ts";
import { outliveRestart } from "./docker/engine-restart.ts";
import { createExec } from "./exec.ts";
import { findProxies } from "./host/proxy.ts";
import { beginJournal, type Journal } from "./journal.ts";
import { identifyProcess } from "./leftovers.ts";
import { type Decided, decide } from "./plan/decide.ts";
import { describeResults, type Results } from "./report/results.ts";
import { makeRunFolder } from "./run-folder.ts";
import type { Runner } from "./runner/runner.ts";
import { makeCluster } from "./stages/cluster.ts";
import { checkLoadBalancer } from "./stages/load-balancer.ts";
import { prepare } from "./stages/preparation.ts";
import { publish } from "./stages/publication.ts";
import { beginTorch, finishTorch } from "./stages/torch.ts";
import { runTasks } from "./tasks.ts";

/** One run: inputs -> plan -> effects -> results. @throws InputError before the machine is touched, Failure after. */
export async function setUp(runner: Runner): Promise<Results> {
  const decided = await decide(runner);
  const { inputs, plan } = decided;
  const { log } = runner;
  const journal = await openJournal(runner, decided);
  const exec = outliveRestart(createExec(plan.runDirectory), log);

  return await runTasks(async (tasks) => {
    const context: StepContext = { ...runner, ...decided, journal, tasks, exec };
    log.startGroup("Preparing host, tools and images");
    const torch = await beginTorch(context);
    const { tools, key, hostResolver, images, pins } = await prepare(context);
    torch?.stack.start();
    log.endGroup();

    log.startGroup(`Creating cluster ${plan.shape.name}`);
    const { cluster, credentials, loaded } = await makeCluster(context, { tools, key, hostResolver, images }, torch);
    log.endGroup();

    const stack = torch === undefined ? undefined : await finishTorch(context, torch, { tools, cluster });
    await checkLoadBalancer(context);
    const artifact = await publish(context, key.privateKey);
    journal.update({ failed: false });
    // Named one by one: the private key is among what the stages hand on.
    return describeResults(inputs, plan, {
      tools,
      pins,
      cluster,
      credentials,
      loaded,
      torch: stack,
      artifact,
      proxies: findProxies(runner.environment),
      phases: runner.timeline.phases,
    });
  });
}

/** Writes down what post would have to undo, before it is done. */
async function openJournal(runner: Runner, { inputs, plan, host }: Decided): Promise<Journal> {
  const { engine } = host;
  runner.saveRunDirectory(plan.runDirectory);
  await makeRunFolder(plan.runDirectory);
  await mkdir(ownerFolder(plan.runDirectory), { mode: 0o700 });
  const journal = beginJournal(plan.runDirectory, {
    cluster: plan.shape.name,
    nodes: plan.shape.nodes.map((node) => node.name),
    startedAt: (engine instanceof Error ? undefined : engine.time) ?? new Date().toISOString(),
    main: identifyProcess(process.pid),
    owner: plan.owner,
    cleanup: inputs.cleanup,
    logs: inputs.logs,
    logsArtifactName: plan.logsArtifactName,
    artifactRetentionDays: inputs.artifactRetentionDays,
    internetProbe: inputs.internetProbe,
    credentialFiles: credentialFiles(plan.credentials),
    createdDirectories: await findMissingFolders(plan.credentials.directory),
    created: false,
    pending: [],
    failedTries: false,
    failedLogs: [],
    failed: true,
  });
  await makeDirectory(plan.credentials.directory);
  return journal;
}
