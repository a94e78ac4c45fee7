import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorOf, expectStopped, fault, logOf } from "./fault.ts";
import { type ActionRun, dockerLeftovers, eventually, processesNaming, sh } from "./harness.ts";
import { stopWhen } from "./step.ts";

const AREA = "The runner";
const STOPPED = "an error that the step was stopped, with the signal; its programs have ended";

/** What a command prints in a cluster's control plane; nothing where that is not there. */
const inNode = (cluster: string, ...command: readonly string[]) =>
  sh("docker", ["exec", `${cluster}-control-plane`, ...command]).catch(() => "");

const isMakingNodes = async (cluster: string) =>
  (await processesNaming(`${cluster}-control-plane`)).some((line) => line.includes(" run --name "));
const hasNodes = async (cluster: string) => (await dockerLeftovers(cluster)).length > 0;
const runsKubeadm = async (cluster: string) => (await inNode(cluster, "pidof", "kubeadm")) !== "";
async function hasRequest(cluster: string): Promise<boolean> {
  const admin = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];
  return /certificatesigningrequest.*torch-/.test(await inNode(cluster, ...admin, "get", "csr", "--output=name"));
}

for (const { signal, when, reached } of [
  { signal: "SIGTERM", when: "while Docker makes the nodes", reached: isMakingNodes },
  { signal: "SIGTERM", when: "while kubeadm runs", reached: runsKubeadm },
  { signal: "SIGINT", when: "after the certificate was requested", reached: hasRequest },
] as const) {
  fault({ area: AREA, cause: signal, when, sees: STOPPED, seconds: 240 }, async ({ cluster, prepare }) => {
    const run = await prepare();
    expectStopped(await stopWhen(run, signal, () => reached(cluster)), signal);
    const post = await run.post({ inputs: { "job-status": "failure" } });
    assert.doesNotMatch(logOf(post), /::warning|::error/);
  });
}

/** Empties RUNNER_TEMP, as the runner does before a job. */
async function emptyTemp({ folders }: ActionRun): Promise<void> {
  for (const name of await readdir(folders.temp)) await rm(join(folders.temp, name), { recursive: true });
}

fault(
  {
    area: AREA,
    cause: "post runs twice",
    when: "after main was ended by SIGKILL",
    sees: "nothing: the second has nothing to do",
    seconds: 240,
  },
  async ({ cluster, prepare }) => {
    const run = await prepare();
    await stopWhen(run, "SIGKILL", () => hasNodes(cluster));
    const first = await run.post({ inputs: { "job-status": "failure" } });
    assert.match(logOf(first), new RegExp(`Deleted ${cluster}-control-plane`));
    const second = await run.post({ inputs: { "job-status": "failure" } });
    assert.equal(second.exitCode, 0);
    assert.doesNotMatch(logOf(second), /::warning|::error|Deleted/);
  },
);

fault(
  {
    area: AREA,
    cause: "SIGINT and SIGTERM, as of a cancelled job",
    when: "while post removes the cluster",
    sees: "a line of the log; post goes on",
    seconds: 240,
  },
  async ({ cluster, prepare }) => {
    const run = await prepare();
    await stopWhen(run, "SIGKILL", () => hasNodes(cluster));
    let pid = 0;
    const ended = run.post({
      onStart: (started) => {
        pid = started;
      },
    });
    const ofRun = `${run.folders.temp}/kind-torch-`;
    const isRemoving = async () => (await processesNaming(ofRun)).some((line) => line.includes(" rm --force "));
    await eventually("post removes a container", isRemoving, 60, 20);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.kill(pid, signal);
    const post = await ended;
    assert.equal(post.exitCode, 0, logOf(post));
    assert.match(logOf(post), /SIGINT: what this run created is removed all the same/);
  },
);

fault(
  {
    area: AREA,
    cause: "RUNNER_TEMP is emptied during the job",
    when: "before post",
    sees: "a warning; the cluster is found by what its nodes mount, and removed",
    seconds: 240,
  },
  async ({ cluster, prepare }) => {
    const run = await prepare();
    await stopWhen(run, "SIGKILL", () => hasNodes(cluster));
    await emptyTemp(run);
    const post = await run.post({ inputs: { "job-status": "failure" } });
    assert.equal(post.exitCode, 0);
    assert.match(logOf(post), /::warning::The run's folder was emptied .*1 container\(s\)[\s\S]*Fix: /);
    assert.deepEqual(await dockerLeftovers(cluster), []);
  },
);

fault(
  {
    area: AREA,
    cause: "the machine restarts, and the job's post never runs",
    when: "during the job; the next job empties RUNNER_TEMP",
    sees: "the next run of that name is refused with the fix existing: replace, which removes what is left",
    left: "the cluster's containers, until such a run or their removal by hand",
    seconds: 240,
  },
  async ({ cluster, prepare }) => {
    const lost = await prepare();
    await stopWhen(lost, "SIGKILL", () => runsKubeadm(cluster));
    await emptyTemp(lost);
    await sh("docker", ["kill", ...(await dockerLeftovers(cluster))]);
    const next = await prepare();
    assert.match(errorOf(await next.main()), new RegExp(`"${cluster}" .*exists already[\\s\\S]*existing: replace`));
    const replacing = await prepare({ existing: "replace" });
    const result = await stopWhen(replacing, "SIGTERM", () => runsKubeadm(cluster));
    expectStopped(result, "SIGTERM");
    assert.match(logOf(result), /Removed 1 container\(s\) of an older/);
  },
);
