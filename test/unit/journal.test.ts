import assert from "node:assert/strict";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { beginJournal, type JournalState, reopenJournal } from "../../src/journal.ts";
import { makeRunFolder } from "../../src/run-folder.ts";
import { makeFolder } from "./builders.ts";

const STATE: JournalState = {
  cluster: "c",
  nodes: ["c-control-plane"],
  startedAt: "2026-01-01T00:00:00.000Z",
  owner: { source: "/t/owner", destination: "/kind-torch/owner" },
  cleanup: true,
  logs: "on-failure",
  logsArtifactName: "kind-logs-c",
  logsFolder: "/t/kind-logs-c-x1y2z3",
  artifactRetentionDays: 1,
  internetProbe: { name: "example.org", address: "192.0.2.1", port: 53 },
  credentialFiles: [],
  createdDirectories: [],
  created: false,
  pending: [],
  failedTries: false,
  failedLogs: [],
  torch: {
    label: "kind-torch.run=c-1",
    containers: [],
    placeholders: [],
    images: ["kind-torch/c-engine:1"],
    engineUrl: "http://127.0.0.1:8080",
  },
  namespace: "simple",
  kubectl: "/kubectl",
  failed: true,
};

test("what main recorded is what post reads, in a folder that nobody else may open", async (context) => {
  const directory = join(await makeFolder(context), "run");
  await makeRunFolder(directory);
  beginJournal(directory, STATE).update({ kind: "/k", created: true });
  assert.deepEqual((await reopenJournal(directory))?.state, { ...STATE, kind: "/k", created: true });
  assert.equal((await stat(directory)).mode & 0o077, 0);
  assert.equal((await stat(join(directory, "run.json"))).mode & 0o077, 0);
});

test("a change is on disk before it is in the state, and post changes the same journal", async (context) => {
  const directory = await makeFolder(context);
  const journal = beginJournal(directory, STATE);
  journal.update({ failed: false });
  assert.equal(journal.state.failed, false);
  (await reopenJournal(directory))?.update({ logsFolder: "/t/other" });
  assert.equal((await reopenJournal(directory))?.state.logsFolder, "/t/other");
  assert.equal((await reopenJournal(directory))?.state.failed, false);
  assert.throws(() => beginJournal(join(directory, "missing"), STATE));
});

test("a journal that was never written does not exist, and a draft that was cut off does not count", async (context) => {
  const directory = await makeFolder(context);
  assert.equal(await reopenJournal(join(directory, "missing")), undefined);
  await writeFile(join(directory, "run.json.draft"), '{"cluster": "ha');
  assert.equal(await reopenJournal(directory), undefined);
  beginJournal(directory, STATE);
  await writeFile(join(directory, "run.json.draft"), "{");
  assert.equal((await reopenJournal(directory))?.state.cluster, "c");
});

test("a journal that cannot be read is an error, not a run that made nothing", async (context) => {
  const directory = await makeFolder(context);
  await writeFile(join(directory, "run.json"), '{"cluster":');
  await assert.rejects(reopenJournal(directory));
  await writeFile(join(directory, "run.json"), '{"cluster": "c"}');
  await assert.rejects(reopenJournal(directory));
  const folder = join(directory, "folder");
  await mkdir(join(folder, "run.json"), { recursive: true });
  await assert.rejects(reopenJournal(folder));
});
