import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { COMPONENTS, type ComponentName } from "../../src/torch/components.ts";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, type Fault, fault, logOf, type Subject } from "./fault.ts";
import { type ActionRun, eventually, sh } from "./harness.ts";
import { runAfterwards } from "./host.ts";
import { CSAR, DOCKER, placeTorch, useLightServices } from "./torch.ts";

/** The small TORCH-V2 with the light service layer. Its dashboard prepares itself for some seconds: the time to kill it. */
async function prepareTorch({ prepare }: Subject, inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  const run = await prepare({ torch: "torch_v2", "torch-wait": "3m", ...inputs });
  const torch = join(run.folders.workspace, "torch_v2");
  await placeTorch(torch, {
    [`${DOCKER}/docker-compose-torch-dashboard-solver.yaml`]: (text) =>
      text.replace("environment:", "environment:\n      - STARTUP_SECONDS=4"),
  });
  await useLightServices(torch);
  return run;
}

/** Runs main, and kills a component's container once its log has a line; what is left of the log is looked at. */
async function killAt(run: ActionRun, container: string, reached: () => Promise<boolean>, lines: string[] = []) {
  const ended = run.main({ onLine: (line) => lines.push(line) });
  const moment = eventually("the moment of the kill came", reached, 180, 50);
  await Promise.race([moment, ended.then((result) => assert.fail(`main ended before the kill:\n${logOf(result)}`))]);
  const killed = performance.now();
  await sh("docker", ["kill", container]);
  const result = await ended;
  return { result, seconds: (performance.now() - killed) / 1000 };
}

/** One error: the component, how it ended, what it wrote last, and the fix. */
function expectNamed(result: Parameters<typeof errorOf>[0], component: ComponentName, when: string): void {
  const error = errorOf(result);
  const { title } = COMPONENTS[component];
  assert.match(error, new RegExp(`The ${title} ended \\(exit code 137[^)]*\\) ${when}`));
  assert.match(error, new RegExp(`Last lines of the ${title} \\(container [^)]+\\):\n +\\S`));
}

const SEES = "an error with the component, its exit code, its last lines and a fix";

function torchFault(row: Pick<Fault, "cause" | "when">, body: (subject: Subject) => Promise<void>): void {
  fault({ area: "TORCH-V2", sees: SEES, seconds: 180, ...row }, body);
}

const isRunning = async (container: string) => {
  const status = await sh("docker", ["ps", "--quiet", `--filter=name=^${container}$`, "--filter=status=running"]);
  return status !== "";
};

for (const component of ["dashboard", "engine", "services"] as const) {
  const cause = `the ${COMPONENTS[component].title}'s container is killed`;

  torchFault({ cause, when: "while it boots" }, async (subject) => {
    const container = `${subject.cluster}-${component}`;
    const run = await prepareTorch(subject);
    // What Java says when it begins is not shown.
    const hasWritten = async () =>
      (await isRunning(container)) &&
      /^(?!Picked up |$)/m.test(await sh("sh", ["-c", 'docker logs "$1" 2>&1', "sh", container]));
    const { result } = await killAt(run, container, hasWritten);
    expectNamed(result, component, "before it served");
  });

  torchFault({ cause, when: "while a template is deployed" }, async (subject) => {
    const lines: string[] = [];
    const run = await prepareTorch(subject, { "torch-csar": CSAR });
    const reached = async () => lines.some((line) => line.includes("bologna: STARTED"));
    const { result } = await killAt(run, `${subject.cluster}-${component}`, reached, lines);
    expectNamed(result, component, "during the deployment");
  });
}

torchFault(
  { cause: "the dashboard's container is killed", when: "after it served, while the service layer boots" },
  async (subject) => {
    const lines: string[] = [];
    const run = await prepareTorch(subject);
    const reached = async () => lines.some((line) => line.includes("dashboard: serves"));
    const { result } = await killAt(run, `${subject.cluster}-dashboard`, reached, lines);
    expectNamed(result, "dashboard", "after it had served");
  },
);

/** Whether this machine's firewall sees what containers of one network send each other: with the module br_netfilter. */
const IS_FILTERED =
  (await readFile("/proc/sys/net/bridge/bridge-nf-call-iptables", "utf8").catch(() => "0")).trim() === "1";

fault(
  {
    area: "TORCH-V2",
    cause: "a firewall drops what the dashboard's container sends to the engine's",
    when: "while a template is deployed",
    sees: "an error with how long the dashboard was waited for, the likely cause, the last lines of all three, and the fix",
    seconds: 300,
    long: true,
    skip: WITHOUT_ROOT || (!IS_FILTERED && "this machine's firewall does not see what containers of one network send"),
  },
  async (subject) => {
    const run = await prepareTorch(subject, { "torch-csar": CSAR });
    let allow = async () => {};
    const block = async () => {
      const format = "{{range .NetworkSettings.Networks}}{{println .NetworkID}}{{end}}";
      const id = await sh("docker", ["inspect", `--format=${format}`, `${subject.cluster}-dashboard`]);
      const device = `br-${id.trim().slice(0, 12)}`;
      const between = ["--in-interface", device, "--out-interface", device];
      const rule = ["DOCKER-USER", ...between, "--protocol", "tcp", "--dport", "8080", "--jump", "DROP"];
      await sh(...asRoot("iptables", ["--wait", "--insert", ...rule]));
      allow = runAfterwards("iptables", ["--wait", "--delete", ...rule]);
    };
    const blocked: Promise<void>[] = [];
    const onLine = (line: string) => {
      // The launch needs the service layer, which comes later.
      if (line.includes("dashboard: serves")) blocked.push(block());
    };
    try {
      const result = await run.main({ onLine });
      await Promise.all(blocked);
      const error = errorOf(result);
      assert.match(error, /The dashboard does not answer \/bpmn-engine: timed out after 120 s/);
      assert.match(error, /The dashboard cannot reach the engine's container/);
      for (const { title } of Object.values(COMPONENTS)) assert.match(error, new RegExp(`Last lines of the ${title} `));
      assert.match(error, /Fix: check that no firewall on this machine blocks traffic between containers/);
    } finally {
      await allow();
    }
  },
);
