import assert from "node:assert/strict";
import { test } from "node:test";
import { HIGH_CPU_SHARES, LOW_CPU_SHARES, withCpuShares } from "../../../../src/torch/compose/tuning.ts";
import { DASHBOARD } from "./dashboard.ts";

test("a service with another weight keeps all else, and the others keep all", () => {
  const { db, "torch-dashboard": own } = DASHBOARD.services;
  assert.deepEqual(withCpuShares(DASHBOARD, "torch-dashboard", 64), {
    ...DASHBOARD,
    services: { db, "torch-dashboard": { ...own, cpu_shares: 64 } },
  });
  // Docker's default is 1024.
  assert.ok(LOW_CPU_SHARES < 1024 && HIGH_CPU_SHARES > 1024);
});
