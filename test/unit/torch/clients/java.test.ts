import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lastCause, readJavaString } from "../../../../src/torch/clients/java.ts";
import { writeJavaString } from "./java-string.ts";

test("a serialized Java string is read in its short and its long form", () => {
  const long = `{"a":"${"ü".repeat(200_000)}"}`;
  assert.equal(readJavaString(writeJavaString("STARTED é", false)), "STARTED é");
  assert.equal(readJavaString(writeJavaString("", false)), "");
  assert.equal(readJavaString(writeJavaString(long, true)), long);
  const other = Buffer.from("aced0005737200116a6176612e7574696c2e486173684d6170", "hex");
  for (const bytes of [other, Buffer.alloc(0), Buffer.from('{"a":1}'), Buffer.from("aced00057c0000", "hex")]) {
    assert.equal(readJavaString(bytes), undefined);
  }
});

test("no bytes make the reader of Java strings throw", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom(0x74, 0x7c, 0x73), (bytes, kind) => {
      readJavaString(Buffer.from(bytes));
      readJavaString(Buffer.concat([Buffer.from([0xac, 0xed, 0, 5, kind]), bytes]));
    }),
  );
});

test("the last cause of a stack trace is the deepest one", () => {
  const trace = [
    "org.flowable.common.engine.api.FlowableException: IO exception occurred",
    "\tat org.flowable.http.HttpActivityExecutor.perform(HttpActivityExecutor.java:1)",
    "Caused by: java.io.IOException: outer",
    "\t... 12 more",
    "Caused by: org.apache.http.conn.HttpHostConnectException: Connect to broker:9000 failed: Connection refused",
    "\tat java.base/java.net.Socket.connect(Socket.java:1)",
    "not Caused by: this",
  ];
  const cause = "org.apache.http.conn.HttpHostConnectException: Connect to broker:9000 failed: Connection refused";
  assert.equal(lastCause(trace.join("\n")), cause);
  assert.equal(lastCause(trace.join("\r\n")), cause);
  assert.equal(lastCause("java.lang.IllegalStateException: alone\n\tat x.Y.z(Y.java:1)"), undefined);
  assert.equal(lastCause(""), undefined);
});
