import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { overlaps, parseSubnet } from "../../../src/values/subnets.ts";

test("a subnet overlaps with itself and what is in it, and with nothing of the other family", () => {
  const of = (text: string) => {
    const subnet = parseSubnet(text);
    assert.ok(subnet, text);
    return subnet;
  };
  assert.ok(overlaps(of("10.96.3.4/16"), of("10.96.200.0/24")));
  assert.ok(!overlaps(of("10.96.0.0/16"), of("10.97.0.0/16")));
  assert.ok(!overlaps(of("0.0.0.0/0"), of("::/0")));
  assert.ok(overlaps(of("fd00:10:96::/112"), of("fd00:10::/32")));
  for (const text of ["10.0.0.0/33", "10.0.0.0", "x/8", "::/129", "10.0.0/8"])
    assert.equal(parseSubnet(text), undefined);
  const subnets = fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => of(`${address}/${prefix}`));
  fc.assert(fc.property(subnets, subnets, (a, b) => overlaps(a, a) && overlaps(a, b) === overlaps(b, a)));
});
