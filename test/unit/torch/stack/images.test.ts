// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose and of buildx are written in text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BuildSource } from "../../../../src/torch/checkout/checkout.ts";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import { planBuild, planScope, quoteTemplate } from "../../../../src/torch/stack/builder.ts";
import { excerptBuild } from "../../../../src/torch/stack/images.ts";

const REQUEST = {
  component: COMPONENTS.dashboard,
  build: { context: "/src/d", dockerfile: "/src/d/Dockerfile", args: { A: "b c", PATH: "/évil" }, target: "prod" },
  image: "i:1",
};
const BUILDER = {
  exportsCache: false,
  hint: undefined,
  readOnly: false,
  cacheAccess: { ACTIONS_RUNTIME_TOKEN: "t" },
  platform: undefined,
};

test("what a compose file says about a build is only in the definition, and a cache is used if it can be reached", () => {
  const plain = planBuild(REQUEST, BUILDER);
  assert.deepEqual(plain.args, [
    "--progress=plain",
    "--load",
    "--provenance=false",
    "--set=image.context=/src/d",
    "--set=image.dockerfile=/src/d/Dockerfile",
    "image",
  ]);
  const args = { '${"A"}': '${"b c"}', '${"PATH"}': '${"/\\u00e9vil"}' };
  const target = { args, tags: ["i:1"], target: '${"prod"}' };
  assert.deepEqual(JSON.parse(plain.definition), { target: { image: target } });
  assert.ok(Object.keys(plain.env).every((name) => name.startsWith("BUILDX_")));
  assert.equal(plain.cwd, "/");

  const cached = planBuild(REQUEST, { ...BUILDER, exportsCache: true });
  const scope = planScope(REQUEST.build, REQUEST.component, BUILDER);
  assert.deepEqual(cached.env, { ...plain.env, ACTIONS_RUNTIME_TOKEN: "t" });
  assert.deepEqual(JSON.parse(cached.definition).target.image, {
    ...target,
    "cache-from": [`type=gha,scope=${scope},timeout=20s`],
    "cache-to": [`type=gha,scope=${scope},timeout=20s,mode=max,ignore-error=true`],
  });
});

test("a job that may only read the cache does not try to write it", () => {
  const { definition } = planBuild(REQUEST, { ...BUILDER, exportsCache: true, readOnly: true });
  assert.deepEqual(Object.keys(JSON.parse(definition).target.image), ["args", "tags", "target", "cache-from"]);
});

test("what is built otherwise has a list of layers of its own, wherever the checkout lies", () => {
  const scopeOf = (build: Partial<BuildSource>, component = REQUEST.component, platform?: string) =>
    planScope({ ...REQUEST.build, ...build }, component, { ...BUILDER, platform });
  const own = scopeOf({});
  assert.match(own, /^kind-torch-dashboard-[0-9a-f]{12}$/);
  assert.equal(scopeOf({ context: "/elsewhere/d", dockerfile: "/elsewhere/d/Dockerfile" }), own);
  assert.equal(scopeOf({ args: { PATH: "/évil", A: "b c" } }), own, "the order of arguments says nothing");
  const others = [
    scopeOf({}, COMPONENTS.engine),
    scopeOf({ args: { A: "b c" } }),
    scopeOf({ target: "test" }),
    scopeOf({ dockerfile: "/src/d/Dockerfile.other" }),
    scopeOf({ context: "/src/e", dockerfile: "/src/e/Dockerfile" }),
    scopeOf({}, REQUEST.component, "linux/arm64"),
  ];
  assert.equal(new Set([own, ...others]).size, others.length + 1);
});

test("the job's default platform is kept, which bake does not read by itself", () => {
  const { args } = planBuild(REQUEST, { ...BUILDER, platform: "linux/arm64" });
  assert.ok(args.includes("--set=image.platform=linux/arm64"));
});

test("any text is one literal in a definition, in which nothing begins a template", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const [, literal = ""] = /^\$\{"((?:[\w ./:,;=@+-]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*)"\}$/.exec(
        quoteTemplate(text),
      ) ?? [assert.fail(quoteTemplate(text))];
      const read = literal.replace(/\\u(.{4})|\\U(.{8})/g, (_, short: string | undefined, long: string) =>
        String.fromCodePoint(Number.parseInt(short ?? long, 16)),
      );
      assert.equal(read, text);
    }),
  );
});

test("the failing step of a build is shown", () => {
  const progress = [
    "#1 [internal] load build definition",
    "#5 [2/2] RUN false",
    "#5 ERROR: process did not complete",
    "------",
    " > [2/2] RUN make:",
    "0.2 make: no rule",
    "------",
    "Dockerfile:2",
    "ERROR: failed to solve",
  ].join("\n");
  assert.match(excerptBuild(progress), /^ > \[2\/2\] RUN make:\n0.2 make: no rule/);
  assert.equal(excerptBuild("a\nERROR: no such builder\n"), "a\nERROR: no such builder");
});

test("lines about buildx reading its own definition are not shown", () => {
  const progress = [
    "#0 building with default",
    "#1 [internal] load local bake definitions",
    "#1 reading from stdin 62B done",
    "#1 DONE 0.0s",
    "#12 DONE 0.0s",
    "ERROR: target stage could not be found",
  ].join("\n");
  assert.equal(
    excerptBuild(progress),
    "#0 building with default\n#12 DONE 0.0s\nERROR: target stage could not be found",
  );
});
