import assert from "node:assert/strict";
import { test } from "node:test";
import { configure, misconfigure, only } from "../../builders.ts";

test("a path in the node that Docker refuses is refused up front", () => {
  const mount = (fields: string) => `nodes:\n- extraMounts:\n  - {${fields}}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [mount("hostPath: /tmp, containerPath: a/b"), /extraMounts\.0\.containerPath is not an absolute path: a\/b/],
    [mount("hostPath: /tmp, containerPath: /"), /containerPath is the root of the node/],
    [mount("hostPath: /tmp, containerPath: /a/.."), /containerPath is the root of the node/],
    [mount("hostPath: /tmp, containerPath: '/a:b'"), /containerPath contains a colon/],
    [mount("hostPath: '/tmp/a:b', containerPath: /a"), /hostPath contains a colon.*: '\/tmp\/a:b'/],
    [mount("hostPath: /tmp"), /extraMounts\.0 has no containerPath/],
  ];
  for (const [text, reason] of cases) assert.match(only(misconfigure(text)).reason, reason, text);
  assert.match(only(configure(mount("containerPath: /a")).warnings), /has no hostPath/);
  assert.deepEqual(configure(mount("hostPath: /tmp, containerPath: '/a:ro'")).warnings, []);
});
