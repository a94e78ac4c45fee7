import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import { bundling } from "../../scripts/build.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { asNobody, asRoot, WITHOUT_ROOT } from "../privileges.ts";

const ROOT = join(import.meta.dirname, "../..");
const LIMIT = "/proc/sys/fs/inotify/max_user_watches";

/** Raising a limit where that is not allowed: real refusals, which do not change the host's values. */
describe("a host that does not allow raising the inotify limits", () => {
  let place: string;
  let original: string;
  before(async () => {
    // sysctl is not on every machine.
    await prepareMachine();
    original = await readFile(LIMIT, "utf8");
    // The code and its Node.js where a user who is not root can read them.
    place = await mkdtemp(join(tmpdir(), "kind-torch-limits-"));
    await chmod(place, 0o755);
    await cp(process.execPath, join(place, "node"));
    const contents = `import { raiseLimits } from "./src/host/inotify.ts";
import { createExec } from "./src/exec.ts";
const limit = { name: "fs.inotify.max_user_watches", from: 1, to: 2147483000 } as const;
const { raised, warnings } = await raiseLimits([limit], createExec("test"));
console.log(["raised: " + raised.join(), ...warnings].join("\\n"));
`;
    await build({
      ...bundling,
      stdin: { contents, resolveDir: ROOT, loader: "ts" },
      outfile: join(place, "raise.mjs"),
    });
  });
  after(async () => {
    assert.equal(await readFile(LIMIT, "utf8"), original);
    await rm(place, { recursive: true });
  });

  const warning =
    /max_user_watches could not be raised from 1 to 2147483000: .*Fix: raise it on the host.*set inotify-max-user-watches to 0/s;

  it("is a warning with the reason and both ways out, for a user who may not use sudo", { skip: WITHOUT_ROOT }, () => {
    const variables = { PATH: process.env.PATH ?? "", HOME: "/nonexistent" };
    const [file, args] = asNobody(join(place, "node"), [join(place, "raise.mjs")], variables);
    const { stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 60_000 });
    assert.match(stdout, warning, stderr);
    assert.match(stdout, /^raised: \n/, "nothing is called raised that was not");
    assert.match(stdout, /sudo/);
  });

  it("is a warning with the reason, for root on a host whose settings are read-only", { skip: WITHOUT_ROOT }, () => {
    const script = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"';
    const words = ["sh", "-c", script, "read-only", join(place, "node"), join(place, "raise.mjs")];
    const [file, args] = asRoot("unshare", ["--mount", ...words]);
    const { stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 60_000 });
    assert.match(stdout, warning, stderr);
    assert.match(stdout, /^raised: \n/, "nothing is called raised that was not");
    assert.match(stdout, /permission denied|read-only/i);
  });
});
