import assert from "node:assert/strict";
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { readHostAccess } from "../../../../src/torch/compose/host-access.ts";
import { findHostPlaces } from "../../../../src/torch/compose/host-places.ts";
import { checkHostAccess, judgeMount } from "../../../../src/torch/compose/mounts.ts";
import { makeFolder, only } from "../../builders.ts";
import { bind, makeMachine, modelOf } from "./machine.ts";

/** The home of the superuser. */
const SUPERUSER = ["", "root"].join("/");

/** A machine, and what is reported of mounts of it. */
async function makeJudge(context: TestContext) {
  const { at, environment } = await makeMachine(context);
  const findPlaces = () => findHostPlaces(environment, [at("ws/torch"), at("ws")]);
  const judge = async (source: string, readOnly = false) => {
    const { problems, warnings } = await checkHostAccess(
      readHostAccess("c.yaml", modelOf({ volumes: [bind(source, readOnly)] })),
      await findPlaces(),
    );
    if (problems.length > 0) return only(problems).reason;
    return warnings.length > 0 ? `warning: ${only(warnings)}` : undefined;
  };
  /** What is reported of the services of one compose file, each with its mounts. */
  const checkAll = async (services: Readonly<Record<string, readonly ReturnType<typeof bind>[]>>) => {
    const model = {
      services: Object.fromEntries(Object.entries(services).map(([name, volumes]) => [name, { volumes }])),
    };
    const { problems } = await checkHostAccess(readHostAccess("c.yaml", model), await findPlaces());
    return problems.map(({ value, reason, fix }) => `${value} ${reason}. Fix: ${fix}`).join("\n");
  };
  return { at, judge, checkAll };
}

test("mounts of the checkout and the workspace are the job's own; others get a warning, or are refused", async (context) => {
  const { at, judge } = await makeJudge(context);
  for (const own of ["ws/torch", "ws/torch/data", "ws/torch/not/there/yet"]) {
    assert.equal(await judge(at(own)), undefined, own);
  }
  for (const job of ["ws/other", "ws"]) {
    assert.equal(await judge(at(job), true), undefined, job);
    assert.match((await judge(at(job))) ?? "", /^warning: .*which is outside the checkout and writable/);
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
  const { at, judge } = await makeJudge(context);
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
      assert.match(
        (await judge(place, readOnly)) ?? "",
        /^mounts .*, which (?:contains|is in) /,
        `${place} ${readOnly}`,
      );
    }
  }
  for (const free of ["free", "home/.cache", "home/.local/bin", "home/.m2", "elsewhere", "ws-2"]) {
    assert.match((await judge(at(free))) ?? "", /^mounts .*outside the checkout and the workspace and writable/, free);
  }
  for (const place of ["/usr/bin", "/usr", "/opt/tool", "/etc/localtime", "/bin"]) {
    assert.match((await judge(place)) ?? "", /^mounts /, place);
  }
});

test("a mount is judged by where it leads: through a link of the checkout, and through one whose target comes later", async (context) => {
  const { at, judge } = await makeJudge(context);
  await symlink("/", at("ws/torch/data/whole"));
  await symlink(at("temp/later"), at("ws/torch/data/later"));
  await symlink("loop", at("ws/torch/data/loop"));
  assert.match((await judge(at("ws/torch/data/whole/var/run"))) ?? "", /\(\/run\), which is in \/run/);
  assert.match((await judge(at("ws/torch/data/whole"))) ?? "", /which contains /);
  assert.match((await judge(at("ws/torch/data/later/x"))) ?? "", /which is in .*temp/);
  assert.match((await judge(at("ws/torch/data/loop"))) ?? "", /leads through more than 40 links/);
});

test("a log that Docker itself sends elsewhere is refused with the reason", async () => {
  const access = readHostAccess("c.yaml", modelOf({ logging: { driver: "fluentd" } }));
  const { problems } = await checkHostAccess(access, { own: [], secret: [], system: [], harmless: [] });
  assert.equal(
    only(problems).reason,
    "asks for logging.driver: fluentd, which makes Docker send to other machines from this machine's own network",
  );
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
    if (problems.length > 0) return `refused: ${only(problems).reason}`;
    return warnings.length > 0 ? "warning" : "";
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
  const { at, judge } = await makeJudge(context);
  await mkdir(at("home/.m2/repository"), { recursive: true });
  assert.match((await judge(at("home/.m2"), true)) ?? "", /^warning: /);
  assert.match((await judge(at("home/.m2/settings.xml"), true)) ?? "", /^mounts .* which is in /);
  await writeFile(at("home/.m2/settings.xml"), "");
  assert.match((await judge(at("home/.m2"), true)) ?? "", /^mounts .* which contains .*settings\.xml/);
});

test("a folder in one that a container can write to is refused, a file and a mount beside it are not", async (context) => {
  const { at, checkAll } = await makeJudge(context);
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
