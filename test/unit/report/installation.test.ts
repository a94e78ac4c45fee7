import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { marked } from "marked";
import { type Installation, renderInstallation, renderInstallationLog } from "../../../src/report/installation.ts";
import { assertInert, hostileText, readPage } from "../hostile.ts";

const INSTALLATION: Installation = {
  outputs: {
    "kind-version": "0.33.0",
    "kubectl-version": "1.37.1",
    "kind-path": "/tmp/run/bin/kind",
    "kubectl-path": "/tmp/run/bin/kubectl",
  },
  reasons: { kind: "the newest in the catalog", kubectl: "requested" },
  origins: { kind: "from the tool cache", kubectl: "downloaded" },
  warnings: ["kubectl 1.37.1 is not verified."],
  phases: [{ name: "Install kind", start: 10, end: 110, state: "done" }],
};

test("the summary and the log say what was installed, why, from where and where it is", () => {
  const summary = renderInstallation(INSTALLATION).toString();
  for (const text of [
    ...Object.values(INSTALLATION.outputs),
    ...Object.values(INSTALLATION.reasons),
    ...Object.values(INSTALLATION.origins),
    "not verified",
    "Install kind",
  ]) {
    assert.ok(summary.includes(text), text);
  }
  const log = renderInstallationLog(INSTALLATION).join("\n");
  for (const text of [...Object.values(INSTALLATION.outputs), "requested", "Install kind"])
    assert.ok(log.includes(text));
});

test("no text in it becomes markup", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const origins = { kind: text, kubectl: text };
      const markdown = renderInstallation({ ...INSTALLATION, origins, warnings: [text] }).toString();
      assertInert(readPage(marked.parse(markdown, { async: false })));
    }),
  );
});
