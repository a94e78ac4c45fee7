import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { applyCniManifests, findDefinitions } from "../../../src/cluster/cni.ts";
import { createKubectl } from "../../../src/cluster/kubectl.ts";
import { Failure } from "../../../src/errors.ts";
import { createExec } from "../../../src/exec.ts";
import { errorOf, makeFolder } from "../builders.ts";

/** A program in kubectl's place that writes down how it was called. */
async function makeKubectl(context: TestContext, apply: string) {
  const folder = await makeFolder(context);
  const [program, calls] = [join(folder, "kubectl"), join(folder, "calls")];
  await writeFile(
    program,
    `#!/bin/sh
shift 4
echo "$*" >>${calls}
case "$1" in
  get) if [ ! -e ${folder}/asked ]; then touch ${folder}/asked; echo 'namespaces "kube-system" not found' >&2; exit 1; fi ;;
  apply) ${apply} ;;
esac
`,
  );
  await chmod(program, 0o700);
  const binding = { kubectl: program, kubeconfig: "k", runDirectory: folder, exec: createExec(folder) };
  const read = async () => (await readFile(calls, "utf8")).trim().split("\n");
  return { kubectl: createKubectl(binding), read };
}

const CRD = "customresourcedefinition.apiextensions.k8s.io";
const APPLY = "apply --server-side --force-conflicts --output=name --filename=";

test("the files are applied one by one, in their order, each after what the one before it defines is served", async (context) => {
  const output = `case "$*" in *crds.yaml) echo ${CRD}/a.example; echo namespace/own; echo ${CRD}/b.example ;; esac`;
  const { kubectl, read } = await makeKubectl(context, output);
  await applyCniManifests(["/ws/crds.yaml", "/ws/agent.yaml", "/ws/more-crds.yaml"], kubectl);
  const calls = await read();
  assert.deepEqual(calls, [
    "get namespace kube-system --output=name",
    "get namespace kube-system --output=name",
    `${APPLY}/ws/crds.yaml`,
    `wait ${CRD}/a.example ${CRD}/b.example --for=condition=Established --timeout=60s`,
    `${APPLY}/ws/agent.yaml`,
    `${APPLY}/ws/more-crds.yaml`,
  ]);
});

test("a file that kubectl refuses ends it with kubectl's words and the file's name, and is not tried again", async (context) => {
  const words = "unable to recognize: no matches for kind Network";
  const { kubectl, read } = await makeKubectl(context, `echo '${words}' >&2; exit 1`);
  const error = await errorOf(applyCniManifests(["/ws/one.yaml", "/ws/two.yaml"], kubectl));
  assert.ok(error instanceof Failure);
  assert.match(error.message, new RegExp(`^/ws/one\\.yaml: applying the cni-manifests: .*${words}`, "s"));
  assert.match(error.fix ?? "", /order of cni-manifests/);
  assert.equal(error.retryable, false);
  assert.equal((await read()).filter((call) => call.startsWith("apply")).length, 1);
});

test("without files nothing is asked", async (context) => {
  const { kubectl, read } = await makeKubectl(context, "true");
  await applyCniManifests([], kubectl);
  await assert.rejects(read(), /ENOENT/);
});

test("only custom resource definitions are waited for", () => {
  assert.deepEqual(findDefinitions(`namespace/x\n${CRD}/a.b\ndaemonset.apps/${CRD}\n\n`), [`${CRD}/a.b`]);
});
