import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext, test } from "node:test";
import fc from "fast-check";
import { encryptKey } from "../../../src/credentials/key.ts";
import { readUserKubeconfig, userKubeconfig } from "../../../src/credentials/kubeconfig.ts";
import { describeProblem } from "../../../src/errors.ts";
import { loadTorchClusters } from "../../../src/inputs/torch-clusters.ts";
import { createTorchInputs, makeFolder, only } from "../builders.ts";
import { makeCredentials } from "../earlier.ts";

/** A workspace with the credentials of catania, and what is read of directories in it. */
async function makePlace(context: TestContext) {
  const root = await makeFolder(context);
  const folders = { workspace: join(root, "ws"), temp: join(root, "temp") };
  await Promise.all(Object.values(folders).map((folder) => mkdir(folder)));
  const at = (...parts: readonly string[]) => join(folders.workspace, ...parts);
  const credentials = await makeCredentials(at("catania"));
  const load = (clusters: readonly string[], waitSeconds = 300) =>
    loadTorchClusters(
      {
        torch: { ...createTorchInputs({ torch: "https://a.example/x" }), clusters: clusters.map((name) => at(name)) },
        waitSeconds,
      },
      folders,
    );
  const reasonOf = async (name = "catania") => {
    const { problems, torchClusters } = await load([name]);
    assert.deepEqual(torchClusters, []);
    const problem = only(problems);
    assert.deepEqual([problem.input, problem.value], ["torch-clusters", at(name)]);
    assert.doesNotMatch(describeProblem(problem), /-----/);
    return `${problem.reason}. Fix: ${problem.fix}`;
  };
  return { at, root, credentials, load, reasonOf };
}

test("the credentials of an earlier step are read, and nothing without torch-clusters", async (context) => {
  const { at, credentials, load } = await makePlace(context);
  const { torchClusters, problems } = await load(["catania"]);
  assert.deepEqual(problems, []);
  assert.deepEqual(torchClusters, [{ ...credentials, directory: at("catania") }]);
  assert.deepEqual(await load([]), { torchClusters: [], problems: [] });
});

test("all that is wrong with several directories is reported at once", async (context) => {
  const { at, load } = await makePlace(context);
  await rm(at("catania/ca.crt"));
  await rm(at("catania/torch.key"));
  const { problems } = await load(["catania", "nowhere"]);
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ["has ca.crt, which does not exist", "has torch.key, which does not exist", "does not exist"],
  );
});

test("what is not a directory of credentials, or leads elsewhere, is refused", async (context) => {
  const { at, root, reasonOf } = await makePlace(context);
  await writeFile(at("file"), "");
  assert.match(await reasonOf("file"), /^is not a directory/);
  await cp(at("catania"), join(root, "outside"), { recursive: true });
  await symlink(join(root, "outside"), at("link"));
  assert.match(await reasonOf("link"), /^is a link that leads out of the workspace/);
  await mkdir(at("empty"));
  assert.match(await reasonOf("empty"), /^has no <user>\.kubeconfig.*Fix: write the output credentials-directory/);
  await writeFile(at("catania/other.kubeconfig"), "");
  assert.match(await reasonOf(), /^has several kubeconfigs \(other\.kubeconfig, torch\.kubeconfig\)/);
});

test("a kubeconfig that this Action did not write is refused", async (context) => {
  const { at, reasonOf } = await makePlace(context);
  const path = at("catania/torch.kubeconfig");
  const written = await readFile(path, "utf8");
  for (const changed of [
    "",
    "{",
    "&a [*a]",
    written.replace("torch@kind-catania", "admin"),
    written.replace("ca.crt", "/etc/ssl/ca.crt"),
    written.replaceAll("catania", "../bologna"),
    written.replace("torch.key", "other.key"),
    `${written}current-context: other\n`,
  ]) {
    await writeFile(path, changed);
    assert.match(
      await reasonOf(),
      /^has torch\.kubeconfig, which this Action did not write, or which has been changed/,
    );
  }
  await writeFile(path, written);
  await rename(path, at("catania/other.kubeconfig"));
  assert.match(await reasonOf(), /other\.kubeconfig, which this Action did not write/);
});

describe("files that do not belong together are refused", () => {
  const cases: readonly (readonly [string, (at: (file: string) => string) => Promise<unknown>, RegExp])[] = [
    [
      "a key of another certificate",
      async (at) => {
        await makeCredentials(at("../other"));
        await cp(at("../other/torch.key"), at("torch.key"));
      },
      /torch-signed\.crt, which does not belong to the key/,
    ],
    [
      "a CA of another cluster",
      async (at) => {
        await makeCredentials(at("../other"));
        await cp(at("../other/ca.crt"), at("ca.crt"));
      },
      /torch-signed\.crt, which is not signed by the cluster's CA/,
    ],
    ["a certificate that cannot be parsed", (at) => writeFile(at("torch-signed.crt"), "no"), /which cannot be parsed/],
    [
      "a certificate with another one behind it that is damaged",
      async (at) => {
        const damaged = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n";
        await writeFile(at("torch-signed.crt"), `${await readFile(at("torch-signed.crt"), "utf8")}${damaged}`);
      },
      /torch-signed\.crt, which cannot be used for TLS/,
    ],
    ["a file without a key", (at) => writeFile(at("torch.key"), "no"), /torch\.key, which is not a private key in PEM/],
    [
      "an encrypted key",
      async (at) => writeFile(at("torch.key"), encryptKey(await readFile(at("torch.key"), "utf8"), "passphrase")),
      /torch\.key, which is encrypted with a passphrase/,
    ],
    ["a file that is far too large", (at) => truncate(at("ca.crt"), 1e9), /ca\.crt, which is larger than/],
    [
      "a pipe",
      async (at) => {
        await rm(at("torch.key"));
        execFileSync("mkfifo", [at("torch.key")]);
      },
      /torch\.key, which is not a file/,
    ],
    [
      "a link out of the workspace",
      async (at) => {
        await rm(at("ca.crt"));
        await symlink("/etc/hostname", at("ca.crt"));
      },
      /ca\.crt, which is a link that leads out/,
    ],
    [
      "a certificate of another user",
      async (at) => {
        await makeCredentials(at("../other"), { user: "admin" });
        await cp(at("../other/ca.crt"), at("ca.crt"));
        await cp(at("../other/admin.key"), at("torch.key"));
        await cp(at("../other/admin-signed.crt"), at("torch-signed.crt"));
      },
      /torch-signed\.crt, which names admin instead of torch/,
    ],
  ];
  for (const [name, change, expected] of cases) {
    it(name, async (context) => {
      const { at, reasonOf } = await makePlace(context);
      await change((file) => at("catania", file));
      assert.match(await reasonOf(), expected);
    });
  }
});

test("a certificate that may expire before the boot ends is refused, with the time", async (context) => {
  const { load } = await makePlace(context);
  // It is valid for a day.
  const { problems } = await load(["catania"], 24 * 3600);
  const { reason, fix } = only(problems);
  assert.match(
    reason,
    /torch-signed\.crt, which is valid from .* only, and this step may need it until \w{3} \d\d [\d:]{8} \d{4} GMT$/,
  );
  assert.match(fix, /longer certificate-lifetime/);
});

test("whatever a kubeconfig says, it is of one user and cluster, or refused", () => {
  const name = fc.stringMatching(/^[a-z0-9.-]{0,5}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), name, name, (text, cluster, user) => {
      assert.equal(readUserKubeconfig(text, "torch.kubeconfig"), undefined);
      const context = `${user}@kind-${cluster}`;
      const written = userKubeconfig({ context, cluster, user, server: "https://127.0.0.1:1" });
      const read = readUserKubeconfig(written, `${user}.kubeconfig`);
      assert.ok(read === undefined || (read.cluster === cluster && read.user === user));
    }),
  );
  const facts = { context: "a.b@kind-c-1", cluster: "c-1", user: "a.b", server: "https://127.0.0.1:1" };
  assert.deepEqual(readUserKubeconfig(userKubeconfig(facts), "a.b.kubeconfig"), { cluster: "c-1", user: "a.b" });
});
