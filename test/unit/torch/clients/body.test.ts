import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../../../../src/torch/clients/browser.ts";
import { openEngine } from "../../../../src/torch/clients/engine.ts";
import { readPage } from "../../../../src/torch/clients/page.ts";
import { watchDashboard } from "../../../../src/torch/stack/readiness.ts";
import { serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);

test("an answer without an end is not held: dashboard, engine and the wait for them say so", async (context) => {
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  const url = await serve(context, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(megabyte)) {}
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  const words = /the answer is longer than 64 MiB/;
  await assert.rejects(openBrowser(url, SIGNAL).open("/login"), words);
  await assert.rejects(openEngine(url, SIGNAL).readHistory(), words);
  const readiness = await watchDashboard(url, SIGNAL)();
  assert.match(readiness === "ready" ? readiness : readiness.reason, words);
});

test("a page with very many inputs is read, and none of their names is more than a name", () => {
  const names = [...Array(20_000).keys()].map((number) => `n${number}`);
  const inputs = [...names, "__proto__", "constructor"].map((name) => `<input name="${name}" value="v">`).join("");
  const [form] = readPage(`<form method="post">${inputs}</form>`).forms;
  assert.equal(Object.keys(form?.fields ?? {}).length, names.length + 2);
  assert.equal(Object.getPrototypeOf(form?.fields), Object.prototype);
});
