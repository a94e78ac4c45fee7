import assert from "node:assert/strict";
import { mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { resolveAhead } from "../../../../src/inputs/places.ts";
import type { Checkout } from "../../../../src/torch/checkout/read.ts";
import { checkCredentialsDirectory } from "../../../../src/torch/checkout/sources.ts";
import { forEachComponent } from "../../../../src/torch/components.ts";
import { checkHostAccess, findHostPlaces, judgeMount, readHostAccess } from "../../../../src/torch/compose/mounts.ts";
import type { ComposeModel, ComposeService } from "../../../../src/torch/compose/plan.ts";
import { makeFolder, only } from "../../builders.ts";

/** The home of the superuser. */
const SUPERUSER = ["", "root"].join("/");

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
  const findPlaces = () => findHostPlaces(environment, [at("ws/torch"), at("ws")]);
  const judge = async (source: string, readOnly = false) => {
    const { problems, warnings } = await checkHostAccess(
      readHostAccess("c.yaml", modelOf({ volumes: [bind(source, readOnly)] })),
      await findPlaces(),
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
  /** What is said of the services of one compose file, each with its mounts. */
  const checkAll = async (services: Readonly<Record<string, readonly ReturnType<typeof bind>[]>>) => {
    const model = {
      services: Object.fromEntries(Object.entries(services).map(([name, volumes]) => [name, { volumes }])),
    };
    const { problems } = await checkHostAccess(readHostAccess("c.yaml", model), await findPlaces());
    return problems.map(({ value, reason, fix }) => `${value} ${reason}. Fix: ${fix}`).join("\n");
  };
  return { at, judge, place, checkAll };
}

test("mounts of the checkout and the workspace are the job's own; others are said, or refused", async (context) => {
  const { at, judge } = await makeMachine(context);
  for (const own of ["ws/torch", "ws/torch/data", "ws/torch/not/there/yet"]) {
    assert.equal(await judge(at(own)), undefined, own);
  }
  for (const job of ["ws/other", "ws"]) {
    assert.equal(await judge(at(job), true), undefined, job);
    assert.match((await judge(at(job))) ?? "", /^warning: .*which is outside the checkout, and can be written to/);
  }
  for (const [path, readOnly] of [
    ["/etc/localtime", true],
    ["/etc/ssl/certs", true],
    ["/usr/share/zoneinfo", true],
    ["/etc/passwd", true],
    ["/etc/group", true],
    ["/etc/machine-id", true],
    ["/etc/hosts", true],
    ["/etc/hostname", true],
  ] as const) {
    assert.equal(await judge(path, readOnly), undefined, path);
  }
  for (const free of ["free", "home/.cache", "home/.m2", "elsewhere"]) {
    assert.match((await judge(at(free), true)) ?? "", /^warning: .*outside the checkout and the workspace\.$/, free);
  }
  assert.match((await judge("/usr/share/fonts", true)) ?? "", /^warning: .*workspace\.$/);
});

test("mounts that reach secrets, sockets or programs of the machine are refused", async (context) => {
  const { at, judge } = await makeMachine(context);
  const places = [
    ...["/", "/var/run/docker.sock", "/run/docker.sock", "/proc", "/proc/1/environ", "/sys", "/sys/fs/cgroup", "/etc"],
    ...["/etc/shadow", "/dev", "/dev/sda", "/var", "/var/lib/docker/volumes", SUPERUSER, `${SUPERUSER}/.ssh`],
    ...[
      "temp",
      "temp/kind-torch-other-1234",
      "tools/kind/1.0.0",
      "home",
      "home/.docker/config.json",
      ".",
      "home/.ssh",
      "home/.bash_profile",
    ].map((path) => at(path)),
  ];
  for (const place of places) {
    for (const readOnly of [false, true]) {
      assert.match((await judge(place, readOnly)) ?? "", /^mounts .*, which (?:holds|is in) /, `${place} ${readOnly}`);
    }
  }
  for (const free of ["free", "home/.cache", "home/.local/bin", "home/.m2", "elsewhere", "ws-2"]) {
    assert.match(
      (await judge(at(free))) ?? "",
      /^mounts .*outside the checkout and the workspace, and can be written/,
      free,
    );
  }
  for (const place of ["/usr/bin", "/usr", "/opt/tool", "/etc/localtime", "/bin"]) {
    assert.match((await judge(place)) ?? "", /^mounts /, place);
  }
});

test("a mount is judged by where it leads: through a link of the checkout, and through one whose target comes later", async (context) => {
  const { at, judge } = await makeMachine(context);
  await symlink("/", at("ws/torch/data/whole"));
  await symlink(at("temp/later"), at("ws/torch/data/later"));
  await symlink("loop", at("ws/torch/data/loop"));
  assert.match((await judge(at("ws/torch/data/whole/var/run"))) ?? "", /\(\/run\), which is in \/run/);
  assert.match((await judge(at("ws/torch/data/whole"))) ?? "", /which holds /);
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
    { cap_add: ["CAP_SYSLOG"] },
    { cap_add: ["SYS_TIME"] },
    { cap_add: [" sys_module"] },
    { cap_add: ["all"] },
    ...["systempaths=unconfined", "seccomp:unconfined", "apparmor=unconfined", "label=disable", "label:type:spc_t"].map(
      (option) => ({ security_opt: [option] }),
    ),
    { security_opt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'] },
    { uts: "host" },
    { cgroup_parent: "system.slice" },
    { post_start: [{ command: ["sh"] }, { command: ["sh"], privileged: true }] },
    { pre_stop: [{ command: ["sh"], privileged: "true" }] },
    { develop: { watch: [{ path: ".", action: "sync+exec", exec: { command: ["sh"], privileged: true } }] } },
    { runtime: "/opt/shim" },
    { isolation: "hyperv" },
    { credential_spec: { file: "spec.json" } },
    { models: { llm: null } },
    { annotations: { "org.systemd.property.Slice": "'system.slice'" } },
    { logging: { driver: "syslog", options: { "syslog-address": "tcp://127.0.0.1:22" } } },
    { logging: { driver: "gelf" } },
    { devices: ["dev/sda:/dev/sda:rwm"] },
    { devices: [{ source: "/dev/dri/../sda", target: "/dev/sda" }] },
    { devices: [{ source: "/dev/nvidia0/../../dev/mem", target: "/dev/mem" }] },
    { devices: ["a/../dev/sda=x"] },
    { volumes_from: ["container:bologna-control-plane:rw"] },
    { devices: [{ source: "/dev/mem", target: "/dev/mem" }] },
    { device_cgroup_rules: ["b 8:* rwm"] },
  ];
  for (const service of hostile) assert.equal(powersOf(service).length, 1, JSON.stringify(service));
  const harmless: ComposeService = {
    privileged: false,
    cap_add: ["NET_BIND_SERVICE", "CHOWN", "SYS_PTRACE"],
    cap_drop: ["ALL"],
    pid: "service:db",
    volumes_from: ["db"],
    security_opt: ["no-new-privileges:true"],
    devices: ["/dev/dri:/dev/dri", "vendor.com/gpu=all", { source: "vendor.com/gpu=0", target: "vendor.com/gpu=0" }],
    runtime: "nvidia",
    annotations: { "org.opencontainers.image.title": "x" },
    post_start: [{ command: ["sh"], user: "root", privileged: false }],
    gpus: [{ count: 1 }],
  };
  assert.deepEqual(powersOf(harmless), []);
  for (const driver of ["json-file", "local", "none", "journald", ""]) {
    assert.deepEqual(powersOf({ logging: { driver, options: { "max-size": "1m" } } }), []);
  }
});

test("a log that Docker itself sends elsewhere is refused with the reason", async () => {
  const access = readHostAccess("c.yaml", modelOf({ logging: { driver: "fluentd" } }));
  const { problems } = await checkHostAccess(access, { own: [], secret: [], system: [], harmless: [] });
  assert.equal(
    only(problems).reason,
    "asks for logging.driver: fluentd, with which Docker connects to other places from this machine's own network",
  );
});

test("a volume is a folder of the machine by its options, whatever its type says", () => {
  const volume = (driver_opts: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) => {
    const access = readHostAccess("c.yaml", modelOf({}, { volumes: { v: { ...more, driver_opts } } }));
    return [...access.mounts.map(({ source }) => source), ...access.powers.map(({ power }) => power)].join();
  };
  for (const type of ["tmpfs", "nfs", "nfs4", "cifs", "none", ""]) {
    for (const o of ["bind", "rbind", "ro,bind", "addr=192.0.2.1, rbind"]) {
      assert.equal(volume({ type, o, device: "/" }), "/", `${type} ${o}`);
    }
    assert.match(volume({ type, o: "bind,remount", device: "/" }), /a volume with the option "remount"/);
    assert.match(volume({ type, o: "move", device: "/home" }), /a volume with the option "move"/);
  }
  assert.equal(volume({ type: "none", o: "bind", device: "etc" }), "/etc");
  assert.match(volume({ type: "none", o: "bind", device: "/ws/torch/link/../x" }), /^a volume of .* has \.\. in it$/);
  for (const [type, o] of [
    ["tmpfs", "lowerdir=/"],
    ["nfs", "upperdir=/etc"],
    ["cifs", "credentials=/etc/smb"],
    ["nfs", "rshared"],
  ] as const) {
    assert.match(volume({ type, o, device: "x" }), /^a volume with the option "[a-z]+"$/, `${type} ${o}`);
  }
  assert.match(volume({ type: "constructor", device: "x" }), /of the type "constructor"/);
  assert.match(volume({ mountpoint: "/" }, { driver: "local-persist" }), /a volume of the driver "local-persist"/);
  const word = fc.constantFrom("ro", "rw", "size=1m", "addr=192.0.2.1", "noexec", "", "x");
  const type = fc.constantFrom("tmpfs", "nfs", "cifs", "none", "ext4", "");
  const around = fc.tuple(fc.array(word), fc.constantFrom("bind", "rbind", "remount", "move", " BIND"), fc.array(word));
  fc.assert(
    fc.property(type, around, (name, [before, binding, after]) => {
      const o = [...before, binding, ...after].join(",");
      assert.match(
        volume({ type: name, o, device: "/etc" }),
        /^(?:\/etc$|a volume with the option "(?:remount|move)")/,
      );
    }),
  );
  for (const honest of [
    { size: "10g" },
    { type: "tmpfs", device: "tmpfs", o: "size=100m,uid=1000,mode=0700,noexec" },
    { type: "nfs", device: ":/x", o: "addr=192.0.2.1,rw,nfsvers=4,nolock,soft" },
    { type: "cifs", device: "//192.0.2.1/x", o: "username=a,password=b,vers=3.0,uid=0,file_mode=0777" },
  ]) {
    assert.equal(volume(honest), "", JSON.stringify(honest));
  }
});

test("what the runner has around the workspace is refused, read-only too, and so is git's folder of the workspace", async (context) => {
  const root = await realpath(await makeFolder(context));
  const at = (...parts: readonly string[]) => join(root, ...parts);
  const folders = [
    ...["jobs/repo/repo/.git", "jobs/repo/repo/torch/.git", "jobs/repo/repo/lib/.git", "jobs/repo/repo/docs"],
    ...["jobs/_temp", "jobs/_actions/a/b/v1", "bin", "_other"],
  ];
  for (const folder of folders) await mkdir(at(folder), { recursive: true });
  await writeFile(at(".credentials"), "");
  const workspace = at("jobs/repo/repo");
  const environment = { GITHUB_WORKSPACE: workspace, RUNNER_TEMP: at("jobs/_temp"), HOME: at() };
  const verdict = async (checkout: string, path: string, readOnly: boolean, more: NodeJS.ProcessEnv = {}) => {
    const places = await findHostPlaces({ ...environment, ...more }, [at(checkout), workspace]);
    const access = readHostAccess("c.yaml", modelOf({ volumes: [bind(at(path), readOnly)] }));
    const { problems, warnings } = await checkHostAccess(access, places);
    return problems.length > 0 ? `refused: ${only(problems).reason}` : warnings.length > 0 ? "warning" : "";
  };
  const torch = "jobs/repo/repo/torch";
  for (const readOnly of [true, false]) {
    for (const path of [
      "jobs/_actions",
      "jobs/_actions/a",
      "jobs/repo",
      "jobs",
      "jobs/other/other",
      ".credentials",
      "",
    ]) {
      assert.match(await verdict(torch, path, readOnly), /^refused: .*the runner/, path);
    }
    for (const path of ["jobs/repo/repo", "jobs/repo/repo/.git", "jobs/repo/repo/.git/config", "jobs/repo/repo/lib"]) {
      assert.match(await verdict(torch, path, readOnly), /^refused: .*\bgit\b/, path);
    }
    for (const path of [torch, `${torch}/.git`]) assert.equal(await verdict(torch, path, readOnly), "", path);
    // A checkout that is the workspace has its own.
    assert.equal(await verdict("jobs/repo/repo", "jobs/repo/repo", readOnly), "");
    const action = { GITHUB_ACTION_PATH: at("_other/action") };
    assert.match(await verdict(torch, "_other/action/dist", readOnly, action), /^refused: .*actions that the runner/);
  }
  assert.equal(await verdict(torch, "jobs/repo/repo/docs", true), "");
  assert.equal(await verdict(torch, "jobs/repo/repo/docs", false), "warning");
  // An action of the workspace's own is in the checkout that is the workspace.
  const local = { GITHUB_ACTION_PATH: at("jobs/repo/repo/action") };
  assert.equal(await verdict("jobs/repo/repo", "jobs/repo/repo", true, local), "");
  // Where the temporary folder is elsewhere, nothing around the workspace is known to be a runner's.
  assert.equal(await verdict(torch, "jobs/other", true, { RUNNER_TEMP: at("_other") }), "warning");
});

test("only what is there is held by a folder: Maven's without its settings may be read", async (context) => {
  const { at, judge } = await makeMachine(context);
  await mkdir(at("home/.m2/repository"), { recursive: true });
  assert.match((await judge(at("home/.m2"), true)) ?? "", /^warning: /);
  assert.match((await judge(at("home/.m2/settings.xml"), true)) ?? "", /^mounts .* which is in /);
  await writeFile(at("home/.m2/settings.xml"), "");
  assert.match((await judge(at("home/.m2"), true)) ?? "", /^mounts .* which holds .*settings\.xml/);
});

test("a folder in one that a container can write to is refused, a file and a mount beside it are not", async (context) => {
  const { at, checkAll } = await makeMachine(context);
  await writeFile(at("ws/torch/php.ini"), "");
  await symlink(at("ws/torch/service-layer"), at("ws/torch/data/link"));
  const root = bind(at("ws/torch"));
  const data = bind(at("ws/torch/data"), true);
  const nested =
    /services\.web mounts .*data, which lies in a folder that c\.yaml: services\.\w+ can write to, .*Fix: mount .*torch read-only/;
  assert.match(await checkAll({ web: [data], other: [root] }), nested);
  assert.match(await checkAll({ web: [root, data] }), nested);
  assert.match(await checkAll({ web: [bind(at("ws/torch/later"))], other: [root] }), /later, which lies in a folder/);
  // A link that the container can change leads wherever it likes.
  assert.match(
    await checkAll({ web: [bind(at("ws/torch/data/link"))], other: [bind(at("ws/torch/data"))] }),
    /data\/link, /,
  );
  assert.equal(await checkAll({ web: [root, bind(at("ws/torch/php.ini"), true)] }), "");
  assert.equal(await checkAll({ web: [bind(at("ws/torch"), true), data] }), "");
  assert.equal(await checkAll({ web: [data], other: [bind(at("ws/torch/data"))] }), "");
  assert.equal(await checkAll({ web: [data], other: [bind(at("ws/torch/service-layer"))] }), "");
  const writable = { ...bind(at("ws/torch"), true), bind: { recursive: "writable" } };
  assert.match(await checkAll({ web: [data], other: [writable] }), nested);
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
