import assert from "node:assert/strict";
import { test } from "node:test";
import type { ComposeModel, ComposeService } from "../../../../src/torch/compose/model.ts";
import { CACHE_MOUNT, checkCachePlace, offerCaches, planPackageCache } from "../../../../src/torch/packages/plan.ts";

const LABELS = { "kind-torch.run": "bologna-1" };
const IMAGE = { variables: ["PATH"], user: "" };
const OFFER = { sameLock: false, another: false, labels: LABELS };

function modelOf(service: ComposeService = {}, volumes: ComposeModel["volumes"] = {}): ComposeModel {
  return { services: { own: { container_name: "bologna-dashboard", ...service }, db: { image: "mysql" } }, volumes };
}

const offered = (service: ComposeService = {}, image = IMAGE, offer: Partial<typeof OFFER> = {}) =>
  offerCaches(modelOf(service), image, { ...OFFER, ...offer });

test("the dashboard's own service gets a labelled volume and the three variables; the other services stay as they are", () => {
  const volume = { type: "bind", source: "/w", target: "/w" };
  const { model, tools, notes } = offered({ environment: { APP_URL: "x" }, volumes: [volume] });
  assert.deepEqual(model.services.own?.environment, {
    APP_URL: "x",
    COMPOSER_CACHE_DIR: `${CACHE_MOUNT}/composer`,
    npm_config_cache: CACHE_MOUNT,
    PIP_CACHE_DIR: `${CACHE_MOUNT}/pip`,
  });
  assert.deepEqual(model.services.own?.volumes, [
    volume,
    { type: "volume", source: "torch-packages", target: CACHE_MOUNT },
  ]);
  assert.deepEqual(model.volumes, { "torch-packages": { labels: LABELS } });
  assert.deepEqual(model.services.db, { image: "mysql" });
  assert.deepEqual([tools, notes], [["composer", "npm", "pip"], []]);
});

test("what a compose file or an image has chosen holds, in npm's case in upper case too", () => {
  for (const [name, tool] of [
    ["COMPOSER_CACHE_DIR", "composer"],
    ["NPM_CONFIG_CACHE", "npm"],
    ["npm_config_cache", "npm"],
    ["PIP_CACHE_DIR", "pip"],
    ["PIP_NO_CACHE_DIR", "pip"],
  ] as const) {
    for (const { model, tools, notes } of [
      offered({ environment: { [name]: "/own" } }),
      offered({}, { ...IMAGE, variables: [name] }),
    ]) {
      assert.ok(!tools.includes(tool) && tools.length === 2, name);
      assert.match(notes.join(), new RegExp(`^${tool}'s cache is not kept: .* sets ${name}$`));
      assert.equal(
        Object.keys(model.services.own?.environment ?? {}).filter((each) => /cache/i.test(each)).length >= 2,
        true,
      );
    }
  }
  const all = { COMPOSER_CACHE_DIR: "/a", npm_config_cache: "/b", PIP_NO_CACHE_DIR: "1" };
  assert.deepEqual(offered({ environment: all }).model, modelOf({ environment: all }));
});

test("a container that is not root's, or that mounts something there, gets none", () => {
  for (const user of ["1000", "www-data", "1000:0", 33 as unknown]) {
    const { model, tools, notes } = offered({ user });
    assert.deepEqual([tools, model], [[], modelOf({ user })]);
    assert.match(notes.join(), /its container runs as .*, not as root/);
  }
  for (const user of ["root", "0", "0:0", "root:root", ""]) assert.equal(offered({ user }).tools.length, 3, user);
  assert.match(offered({}, { ...IMAGE, user: "www-data" }).notes.join(), /runs as www-data/);
  assert.equal(offered({ user: "0" }, { ...IMAGE, user: "www-data" }).tools.length, 3);
  const volumes = [{ type: "bind", source: "/w", target: `${CACHE_MOUNT}/npm` }];
  assert.match(offered({ volumes }).notes.join(), /its compose file mounts/);
});

test("npm asks the registry less only where its cache is one of the same lock file", () => {
  const variable = (offer: ReturnType<typeof offered>) =>
    offer.model.services.own?.environment?.npm_config_prefer_offline;
  assert.equal(variable(offered()), undefined);
  assert.equal(variable(offered({}, IMAGE, { sameLock: true })), "true");
  assert.equal(
    variable(offered({ environment: { NPM_CONFIG_PREFER_ONLINE: "true" } }, IMAGE, { sameLock: true })),
    undefined,
  );
  assert.equal(variable(offered({ environment: { npm_config_cache: "/x" } }, IMAGE, { sameLock: true })), undefined);
});

test("a second volume is another one, and no volume of the checkout's is taken for ours", () => {
  const key = (model: ComposeModel, another: boolean) => {
    const known = Object.keys(model.volumes ?? {});
    return Object.keys(offerCaches(model, IMAGE, { ...OFFER, another }).model.volumes ?? {}).filter(
      (name) => !known.includes(name),
    );
  };
  assert.deepEqual(key(modelOf(), true), ["torch-packages-2"]);
  assert.deepEqual(key(modelOf({}, { "torch-packages": null, "torch-packages-own": {} }), false), [
    "torch-packages-own-own",
  ]);
});

test("a folder for caches in the checkout is refused; one beside it is not", () => {
  const source = { kind: "folder", path: "/w/torch" } as const;
  for (const packageCache of ["/w/torch", "/w/torch/dashboard/cache"]) {
    const [problem] = checkCachePlace({ source, packageCache });
    assert.match(problem?.reason ?? "", /is in TORCH-V2's checkout/);
  }
  assert.deepEqual(checkCachePlace({ source, packageCache: "/w/torch-packages" }), []);
  assert.deepEqual(checkCachePlace({ source, packageCache: undefined }), []);
  assert.deepEqual(checkCachePlace({ source: { kind: "git", url: "https://a.example/t" }, packageCache: "/w/x" }), []);
  assert.equal(planPackageCache(undefined, "1"), undefined);
  assert.equal(planPackageCache("/w/x", "0a1b")?.draft, "/w/x/.0a1b.draft");
});
