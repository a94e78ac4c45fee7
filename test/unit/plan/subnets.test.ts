import assert from "node:assert/strict";
import { test } from "node:test";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { environmentOf, FOLDERS, only } from "../builders.ts";
import { planOf, problemsOf } from "./planning.ts";

test("subnets that overlap are refused, with both fields", () => {
  const networking = (fields: string) => `networking: {${fields}}\n`;
  const kind = [
    { network: "kind", subnet: "172.18.0.0/16" },
    { network: "kind", subnet: "fc00:f853:ccd:e793::/64" },
  ];
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "podSubnet: 10.96.0.0/16",
      /podSubnet: 10\.96\.0\.0\/16 and networking\.serviceSubnet: 10\.96\.0\.0\/16 \(kind's default\)/,
    ],
    [
      "serviceSubnet: 10.244.128.0/24",
      /podSubnet: 10\.244\.0\.0\/16 \(kind's default\) and line \d+, column \d+: networking\.serviceSubnet/,
    ],
    ["podSubnet: 10.0.0.0/8", /podSubnet.*serviceSubnet/],
    ["podSubnet: 172.18.5.0/24", /podSubnet.*Docker's network kind: 172\.18\.0\.0\/16/],
    ["ipFamily: ipv6, podSubnet: 'fd00:10:96::/64'", /podSubnet.*serviceSubnet: fd00:10:96::\/112/],
    ["ipFamily: dual, podSubnet: '10.200.0.0/16,fc00:f853:ccd:e793::/80'", /podSubnet: fc00.*network kind/],
  ];
  for (const [fields, expected] of cases) {
    const problem = only(
      problemsOf({
        config: networking(fields),
        survey: { subnets: [...kind, { network: "bridge", subnet: "172.17.0.0/16" }] },
      }),
    );
    assert.match(problem.reason, expected);
    assert.match(problem.reason, /line 3, column \d+: networking\./);
    assert.equal(problem.value, "inline");
  }
  planOf({ config: networking("podSubnet: 10.95.0.0/16"), survey: { subnets: kind } });
  planOf({ config: networking("ipFamily: dual"), survey: { subnets: kind } });
  // kind's network is made with its own IPv6 subnet where it is not there yet.
  assert.match(
    only(problemsOf({ config: networking("ipFamily: ipv6, podSubnet: 'fc00:f853:ccd::/48'") })).reason,
    /network kind/,
  );
  // A default is refused only where it cannot work.
  planOf({ survey: { subnets: [{ network: "bridge", subnet: "10.244.0.0/16" }] } });
  assert.match(
    only(problemsOf({ survey: { subnets: [{ network: "kind", subnet: "10.244.0.0/16" }] } })).value,
    /podSubnet/,
  );
});

test("an ipFamily that kind's network does not have is refused, as kind takes the network as it is", () => {
  const ipv4 = [{ network: "kind", subnet: "172.18.0.0/16" }];
  for (const family of ["ipv6", "dual"]) {
    const config = `networking: {ipFamily: ${family}}\n`;
    const problem = only(problemsOf({ config, survey: { subnets: ipv4 } }));
    assert.match(
      problem.reason,
      new RegExp(`line 3, column \\d+: networking\\.ipFamily: ${family} needs IPv6.*172\\.18`),
    );
    assert.match(problem.fix, /docker network rm kind/);
    planOf({ config, survey: { subnets: [] } });
  }
  planOf({ config: "networking: {ipFamily: ipv4}\n", survey: { subnets: ipv4 } });
});

test("a subnet that overlaps with Docker's default network is a warning, unless TORCH-V2 uses that network's gateway", () => {
  const config = "networking: {podSubnet: 172.17.0.0/16}\n";
  const warning = only(planOf({ config }).warnings);
  assert.match(
    warning,
    /podSubnet.*: 172\.17\.0\.0\/16 overlaps with Docker's network bridge: 172\.17\.0\.0\/16.*Fix: /,
  );
  const { torch } = readInputs(environmentOf({ torch: "torch_v2" }), FOLDERS).inputs;
  assert.ok(torch !== undefined);
  assert.equal(only(planOf({ config, inputs: { torch } }).warnings), warning);
  const problem = only(problemsOf({ config, inputs: { torch: { ...torch, endpoint: "external" } } }));
  assert.match(`${problem.value} ${problem.reason}`, /podSubnet.*: 172\.17\.0\.0\/16 and Docker's network bridge/);
  assert.deepEqual(planOf({ config: "networking: {podSubnet: 172.30.0.0/16}\n" }).warnings, []);
  assert.deepEqual(planOf({ survey: { subnets: [{ network: "bridge", subnet: "10.244.0.0/16" }] } }).warnings, []);
});
