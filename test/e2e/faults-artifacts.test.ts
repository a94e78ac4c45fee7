import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { type ArtifactService, startArtifactService } from "./artifact-service.ts";
import { expectStopped, type Fault, fault, logOf } from "./fault.ts";
import type { ActionRun } from "./harness.ts";
import { stopWhen } from "./step.ts";

/** A fault of the artifact service, with a cluster whose credentials are uploaded. */
function artifact(
  { late = 0, ...row }: Omit<Fault, "area" | "when"> & { readonly late?: number },
  answers: Parameters<typeof startArtifactService>[0],
  body: (run: ActionRun, service: ArtifactService) => Promise<void>,
): void {
  fault({ area: "The runner", when: "while the credentials are uploaded", ...row }, async ({ prepare }) => {
    const service = await startArtifactService(answers, late);
    try {
      const run = await prepare({ artifact: "true", wait: "0s" });
      await body(run, service);
    } finally {
      service.close();
    }
  });
}

/** The step succeeds with a warning: the credentials are on the machine. */
async function expectWarning(run: ActionRun, service: ArtifactService, words: RegExp): Promise<void> {
  const result = await run.main({ environment: service.environment });
  assert.equal(result.exitCode, 0, logOf(result));
  const warnings = result.log.filter((line) => line.startsWith("::warning"));
  assert.equal(warnings.length, 1, logOf(result));
  assert.match(logOf({ log: warnings }), words);
  assert.match(logOf({ log: warnings }), /The credentials are only in \S+ Fix: /);
  assert.equal(result.outputs["artifact-name"], "");
  await stat(result.outputs["client-key-path"] ?? "");
}

const WARNING = "a warning with the service's answer: the credentials are only on the machine; the step succeeds";

artifact(
  { cause: "the artifact service answers 500", sees: WARNING, seconds: 240 },
  { CreateArtifact: (response) => response.writeHead(500).end('{"msg":"an internal error"}') },
  async (run, service) => {
    await expectWarning(run, service, /could not be uploaded: .*500.*internal error/);
    assert.equal(service.asked.length, 5);
  },
);
artifact(
  { cause: "the artifact service is gone when the files are with it", sees: WARNING, seconds: 240 },
  { FinalizeArtifact: (response) => void response.destroy() },
  async (run, service) => await expectWarning(run, service, /could not be uploaded: /),
);
artifact(
  {
    cause: "the artifact service takes 3 s for each answer",
    sees: "nothing: it is waited for, at most 5 min in all",
    seconds: 240,
    late: 3000,
  },
  {},
  async (run, service) => {
    const result = await run.main({ environment: service.environment });
    assert.equal(result.exitCode, 0, logOf(result));
    assert.equal(result.outputs["artifact-id"], "7");
    assert.deepEqual(service.asked.at(-1), "FinalizeArtifact");
  },
);
artifact(
  {
    cause: "SIGTERM",
    sees: "an error that the step was stopped, with the signal; its programs have ended",
    seconds: 240,
  },
  { CreateArtifact: () => undefined },
  async (run, service) => {
    const result = await stopWhen(run, "SIGTERM", async () => service.asked.length > 0, {
      environment: service.environment,
    });
    expectStopped(result, "SIGTERM");
  },
);
