import assert from "node:assert/strict";
import { test } from "node:test";
import { only } from "../builders.ts";
import { planOf, problemsOf } from "./planning.ts";

test("an address to listen on is refused as a name of the certificate", () => {
  for (const address of ["0.0.0.0", "::"]) {
    assert.equal(only(problemsOf({ inputs: { extraSans: ["a.example", address] } })).input, "extra-sans", address);
  }
});

test("the files go to the user's credentials-directory", () => {
  const plan = planOf({ inputs: { credentialsDirectory: "/ws/c", user: "alice" } });
  assert.deepEqual([plan.credentials.directory, plan.credentials.certificate], ["/ws/c", "/ws/c/alice-signed.crt"]);
});
