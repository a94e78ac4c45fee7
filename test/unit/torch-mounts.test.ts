import assert from "node:assert/strict";
import { mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { resolveAhead } from "../../src/inputs/places.ts";
import type { Checkout } from "../../src/torch/checkout.ts";
import { forEachComponent } from "../../src/torch/components.ts";
import type { ComposeModel, ComposeService } from "../../src/torch/compose.ts";
import { checkHostAccess, findHostPlaces, judgeMount, readHostAccess } from "../../src/torch/mounts.ts";
import { checkCredentialsDirectory } from "../../src/torch/sources.ts";
import { makeFolder, only } from "./builders.ts";

const bind = (source: string, readOnly = false) => ({
  type: "bind",
  source,
  target: "/x",
  ...(readOnly ? { read_only: true } : {}),
});
const modelOf = (service: ComposeService, more: Partial<ComposeModel> = {}): ComposeModel => ({
  services: { web: service },
  ...more,
});

/** A machine of the test's own: a workspace with a checkout, the runner's folders, a home. */
async function makeMachine(context: TestContext) {
  const root = await realpath(await makeFolder(context));
  const at = (...parts: readonly string[]) => join(root, ...parts);
  for (const folder of ["ws/torch/data", "ws/torch/service-layer", "ws/other", "temp", "tools", "home/.ssh", "free"]) {
    await mkdir(at(folder), { recursive: true });
  }
  const environment = { RUNNER_TEMP: at("temp"), RUNNER_TOOL_CACHE: at("tools"), HOME: at("home") };
  const places = await findHostPlaces(environment, [at("ws/torch"), at("ws")]);
  const judge = async (source: string, readOnly = false) => {
    const { problems, warnings } = await checkHostAccess(
      readHostAccess("c.yaml", modelOf({ volumes: [bind(source, readOnly)] })),
      places,
    );
    return problems.length > 0 ? only(problems).reason : warnings.length > 0 ? `warning: ${only(warnings)}` : undefined;
  };
  /** A checkout whose service layer is built from its folder, and whose compose files have these mounts. */
  const checkout = (mounts: readonly string[]): Checkout => ({
    root: at("ws/torch"),
    plans: at("ws/torch/plans.zip"),
    components: forEachComponent(({ name }) => ({
      composeFile: at("ws/torch", `${name}.yaml`),
      model: modelOf({ volumes: mounts.map((source) => bind(source)) }),
      service: "web",
      port: { target: 1, published: 1, own: true },
      build: {
        context: at("ws/torch/service-layer"),
        dockerfile: at("ws/torch/service-layer/Dockerfile"),
        args: {},
        target: undefined,
      },
    })),
  });
  const access = { endpoint: "", ca: "ca.crt", certificate: "t-signed.crt", privateKey: "t.key", folder: "/creds" };
  const place = async (directory: string, mounts: readonly string[] = []) => {
    const request = { credentialsDirectory: at(directory), access };
    const problems = await checkCredentialsDirectory(checkout(mounts.map((each) => at(each))), request);
    assert.ok(problems.every(({ input, value }) => input === "credentials-directory" && value === at(directory)));
    return problems.map(({ reason }) => reason).join("\n");
  };
  return { at, judge, place };
}

test("mounts of the checkout and the workspace are the job's own; others are said, or refused", async (context) => {
  const { at, judge } = await makeMachine(context);
  for (const own of ["ws/torch", "ws/torch/data", "ws/torch/not/there/yet", "ws/other"]) {
    assert.equal(await judge(at(own)), undefined, own);
  }
  for (const [path, readOnly] of [
    ["/etc/localtime", true],
    ["/etc/ssl/certs", true],
    ["/usr/share/zoneinfo", true],
  ] as const) {
    assert.equal(await judge(path, readOnly), undefined, path);
  }
  for (const free of ["free", "home/.cache", "elsewhere"]) {
    assert.match((await judge(at(free))) ?? "", /^warning: .*outside the checkout .* can be written to/);
  }
  assert.match((await judge("/usr/share/fonts", true)) ?? "", /^warning: .*workspace\.$/);
});

test("mounts that reach secrets, sockets or programs of the machine are refused", async (context) => {
  const { at, judge } = await makeMachine(context);
  const places = [
    ...["/", "/var/run/docker.sock", "/run/docker.sock", "/proc", "/proc/1/environ", "/sys", "/sys/fs/cgroup", "/etc"],
    ...["/etc/shadow", "/dev", "/dev/sda", "/var", "/var/lib/docker/volumes", "/root", "/root/.ssh"],
    ...[
      "temp",
      "temp/kind-torch-other-1234",
      "tools/kind/1.0.0",
      "home",
      "home/.docker/config.json",
      ".",
      "home/.ssh",
    ].map((path) => at(path)),
  ];
  for (const place of places) {
    for (const readOnly of [false, true]) {
      assert.match((await judge(place, readOnly)) ?? "", /^mounts .*, which (?:holds|is in) /, `${place} ${readOnly}`);
    }
  }
  for (const place of ["/usr/bin", "/usr", "/opt/tool", "/etc/localtime", "/bin"]) {
    assert.match((await judge(place)) ?? "", /^mounts /, place);
  }
});

test("a mount is judged by where it leads: through a link of the checkout, and through one whose target comes later", async (context) => {
  const { at, judge } = await makeMachine(context);
  await symlink("/", at("ws/torch/data/root"));
  await symlink(at("temp/later"), at("ws/torch/data/later"));
  await symlink("loop", at("ws/torch/data/loop"));
  assert.match((await judge(at("ws/torch/data/root/var/run"))) ?? "", /\(\/run\), which is in \/run/);
  assert.match((await judge(at("ws/torch/data/root"))) ?? "", /which holds /);
  assert.match((await judge(at("ws/torch/data/later/x"))) ?? "", /which is in .*temp/);
  assert.match((await judge(at("ws/torch/data/loop"))) ?? "", /leads through more than 40 links/);
});

test("a volume's options, a device, a config and compose's doubled dollars are read for what they mount", () => {
  const { mounts, powers } = readHostAccess(
    "c.yaml",
    modelOf(
      { volumes: [bind("/a/$$b"), { type: "volume", source: "v", target: "/v" }], devices: ["/dev/sda:/dev/sda:rwm"] },
      {
        volumes: {
          v: { driver_opts: { type: "none", o: "rw,bind", device: "/etc" } },
          overlay: {
            driver: "local",
            driver_opts: { type: "overlay", o: "lowerdir=/,upperdir=/u,workdir=/w", device: "o" },
          },
          disk: { driver_opts: { type: "ext4", device: "/dev/sda1" } },
          share: { driver_opts: { type: "nfs", o: "addr=192.0.2.1", device: ":/x" } },
          memory: { driver_opts: { type: "tmpfs", device: "tmpfs" } },
          plain: null,
        },
        configs: { c: { file: "/etc/shadow" } },
        secrets: { s: { environment: "HOME" } },
      },
    ),
  );
  assert.deepEqual(
    mounts.map(({ place, source }) => `${place} ${source}`),
    ["c.yaml: services.web /a/$b", "c.yaml: volumes.v /etc", "c.yaml: configs.c /etc/shadow"],
  );
  assert.deepEqual(
    powers.map(({ power }) => power),
    ["devices: /dev/sda", 'a volume of the type "overlay"', 'a volume of the type "ext4"'],
  );
});

test("what lets a container reach out is refused, and what every container may have is not", () => {
  const powersOf = (service: ComposeService) =>
    readHostAccess("c.yaml", modelOf(service)).powers.map(({ power }) => power);
  const hostile: readonly ComposeService[] = [
    { privileged: true },
    { use_api_socket: true },
    { pid: "host" },
    { ipc: "container:bologna-control-plane" },
    { userns_mode: "host" },
    { cgroup: "host" },
    { cap_add: ["SYS_ADMIN"] },
    { cap_add: ["CAP_SYS_PTRACE"] },
    { cap_add: ["all"] },
    { security_opt: ["systempaths=unconfined"] },
    { volumes_from: ["container:bologna-control-plane:rw"] },
    { devices: [{ source: "/dev/mem", target: "/dev/mem" }] },
    { device_cgroup_rules: ["b 8:* rwm"] },
  ];
  for (const service of hostile) assert.equal(powersOf(service).length, 1, JSON.stringify(service));
  const harmless: ComposeService = {
    privileged: false,
    cap_add: ["NET_BIND_SERVICE", "CHOWN"],
    cap_drop: ["ALL"],
    pid: "service:db",
    volumes_from: ["db"],
    security_opt: ["no-new-privileges:true"],
    devices: ["/dev/dri:/dev/dri", "vendor.com/gpu=all"],
  };
  assert.deepEqual(powersOf(harmless), []);
});

test("a mount of a folder and of one in it are judged alike where nothing in between is special", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "secret", "own", "sys"), { maxLength: 5 })
    .map((parts) => `/${parts.join("/")}`);
  const places = {
    own: ["/own"],
    secret: [
      { path: "/secret", what: "x" },
      { path: "/own/secret", what: "x" },
    ],
    system: ["/sys"],
    harmless: [],
  };
  fc.assert(
    fc.property(path, fc.boolean(), (place, readOnly) => {
      const verdict = judgeMount(place, readOnly, places);
      const refused = verdict !== undefined && "refused" in verdict;
      if (place === "/" || place.startsWith("/secret")) assert.ok(refused);
      if (place === "/own") assert.ok(refused, "it holds a secret place");
      if (place.startsWith("/own/") && !place.startsWith("/own/secret")) assert.equal(verdict, undefined);
      if (place.startsWith("/sys")) assert.equal(refused, !readOnly);
    }),
  );
});

test("credentials through a link into a build context that is made later are refused", async (context) => {
  const { at, place } = await makeMachine(context);
  await symlink(at("ws/torch"), at("ws/keys"));
  assert.match(
    await place("ws/keys/service-layer/new/folder"),
    /^is in the folder that the dashboard's image is built/,
  );
  await symlink("torch/service-layer/later", at("ws/dangling"));
  assert.match(await place("ws/dangling/x"), /is built from/);
  assert.match(await place("ws/torch/service-layer"), /is built from/);
  assert.equal(await place("ws/torch/service-layer-2/keys"), "");
  // The context itself may be the one behind a link.
  await rm(at("ws/torch/service-layer"), { recursive: true });
  await symlink(at("ws/other"), at("ws/torch/service-layer"));
  assert.match(await place("ws/other/keys"), /is built from, .*ws\/other$/m);
});

test("credentials in what a container sees, can replace or is given are refused", async (context) => {
  const { at, place } = await makeMachine(context);
  const mounts = ["ws/torch/data"];
  assert.match(
    await place("ws/torch/data/keys", mounts),
    /^is in a folder that a container sees: dashboard\.yaml: services\.web/,
  );
  await symlink(at("ws/torch/data"), at("ws/seen"));
  assert.match(await place("ws/seen/a/b", mounts), /a container sees/);
  // The mount may lead there through a link as well, also through one that comes later.
  await symlink(at("ws/later"), at("ws/torch/linked"));
  assert.match(await place("ws/later/keys", ["ws/torch/linked"]), /a container sees: .* mounts .*ws\/later/);
  await symlink(at("ws/other"), at("ws/torch/data/link"));
  assert.match(
    await place("ws/torch/data/link/keys", mounts),
    /leads through the link .*, which a container can change/,
  );
  await writeFile(at("ws/other/t.key"), "");
  assert.match(await place("ws/other", ["ws/other/t.key"]), /holds what .* mounts: .*t\.key/);
  assert.equal(await place("ws/other", mounts), "");
  assert.equal(await place("ws", mounts), "");
});

test("where a path leads is what the system says of it, whatever links there are", async (context) => {
  const root = await realpath(await makeFolder(context));
  await mkdir(join(root, "a/b/c"), { recursive: true });
  await mkdir(join(root, "d"));
  const links = {
    "a/up": "..",
    "a/b/abs": join(root, "d"),
    "d/rel": "../a/./b",
    "d/self": ".",
    "a/b/c/two": "../../../d/rel",
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
  const part = fc.constantFrom("a", "b", "c", "d", "up", "abs", "rel", "self", "two");
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 7 }), async (parts) => {
      const path = join(root, ...parts);
      const expected = await realpath(path).catch(() => undefined);
      const { real } = await resolveAhead(path);
      if (expected !== undefined) assert.equal(real, expected);
      else assert.ok(real.startsWith(root));
    }),
  );
});
