import assert from "node:assert/strict";
import { test } from "node:test";
import { limitTime, pause, poll } from "../../src/poll.ts";

test("a question is asked until there is an answer", async () => {
  let asked = 0;
  const answer = await poll(
    async () => {
      asked += 1;
      return asked === 3 ? "yes" : undefined;
    },
    { everyMilliseconds: 1 },
  );
  assert.equal(answer, "yes");
  assert.equal(asked, 3);
});

test("a question without an answer in time is asked once more at the end", async () => {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return undefined;
  };
  assert.equal(await poll(ask, { everyMilliseconds: 50, forMilliseconds: 1 }), undefined);
  assert.equal(asked, 2);
});

test("an error of the question ends it, and so does the signal, with its own reason", async () => {
  await assert.rejects(
    poll(() => Promise.reject(new Error("no such thing")), { everyMilliseconds: 1 }),
    /no such thing/,
  );
  const stop = new AbortController();
  const asked = poll(async () => undefined, { everyMilliseconds: 60_000, signal: stop.signal });
  stop.abort(new Error("the job was cancelled"));
  await assert.rejects(asked, /the job was cancelled/);
  await assert.rejects(pause(60_000, stop.signal), /the job was cancelled/);
});

test("work that takes too long is given up with the error that is given, and other work is not", async () => {
  const never = new Promise<never>(() => undefined);
  await assert.rejects(
    limitTime(never, 1, () => new Error("timed out")),
    /timed out/,
  );
  assert.equal(await limitTime(Promise.resolve(7), 60_000, () => new Error("timed out")), 7);
});
