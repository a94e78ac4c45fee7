import assert from "node:assert/strict";
import { test } from "node:test";
import { watchDashboard } from "../../../../src/torch/stack/readiness.ts";
import { errorOf, refusingAddress, serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);

test("the dashboard serves once its login page is there; until then its answer is the reason", async (context) => {
  let status = 404;
  let body = "";
  const url = await serve(
    context,
    ({ path }, response) => void response.writeHead(path === "/login" ? status : 500).end(body),
  );
  const look = watchDashboard(url, SIGNAL);
  assert.deepEqual(await look(), { reason: `GET ${url}/login: status 404` });
  status = 500;
  body = "<title>No application encryption key has been specified.</title>";
  const failing = await look();
  assert.ok(failing !== "ready");
  assert.match(failing.reason, /status 500: No application encryption key has been specified\.$/);
  assert.equal(failing.failed, undefined, "an error may pass while it starts");
  body = "";
  const blank = await look();
  assert.match(blank === "ready" ? blank : blank.reason, /status 500: an empty page$/);
  status = 200;
  assert.equal(await look(), "ready");
});

test("a dashboard that does not listen is not ready, and a run that is stopped does not look", async () => {
  const url = await refusingAddress();
  const readiness = await watchDashboard(url, SIGNAL)();
  assert.match(readiness === "ready" ? readiness : readiness.reason, /\/login: .*ECONNREFUSED/);
  const stopped = new Error("stopped");
  assert.equal(await errorOf(watchDashboard(url, AbortSignal.abort(stopped))()), stopped);
});
