import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../../../../src/torch/clients/browser.ts";
import { openEngine } from "../../../../src/torch/clients/engine.ts";
import { describeFetch } from "../../../../src/torch/clients/http.ts";
import { watchDashboard } from "../../../../src/torch/stack/readiness.ts";
import { errorOf, refusingAddress, serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);

test("an endless answer is cut off and reported, from dashboard and engine and in the wait for them", async (context) => {
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

test("the reason of a failed request is that of its cause", async () => {
  const error = await errorOf(fetch(await refusingAddress()));
  assert.match(describeFetch(error, 5), /ECONNREFUSED/);
  assert.equal(describeFetch(new Error("plain"), 5), "plain");
  assert.equal(
    describeFetch(new Error("x", { cause: Object.assign(new Error(""), { code: "ECONNRESET" }) }), 5),
    "ECONNRESET",
  );
  assert.equal(describeFetch("thrown", 5), "thrown");
});

test("a request whose time is up says how long that was", async (context) => {
  const url = await serve(context, () => undefined);
  const error = await errorOf(fetch(url, { signal: AbortSignal.timeout(20) }));
  assert.equal(describeFetch(error, 120), "timed out after 120 s");
});
