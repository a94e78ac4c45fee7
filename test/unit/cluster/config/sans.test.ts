import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { configure, only } from "../../builders.ts";
import { type Rendered, render } from "./rendering.ts";

/** RFC 7386, by which kind applies a patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result = new Map(
    typeof target === "object" && target !== null && !Array.isArray(target) ? Object.entries(target) : [],
  );
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merge(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** The names in the certificate that each control plane's kubeadm would create. */
function effectiveSans(rendered: Rendered): readonly (readonly unknown[])[] {
  const own = { apiServer: { certSANs: ["localhost", rendered.networking.apiServerAddress] } };
  return rendered.nodes
    .filter((node) => node.role !== "worker")
    .map((node) => {
      const patches: readonly unknown[] = [...rendered.kubeadmConfigPatches, ...(node.kubeadmConfigPatches ?? [])].map(
        (patch) => parse(patch),
      );
      const merged = patches
        .filter(
          (patch) =>
            typeof patch === "object" && patch !== null && Reflect.get(patch, "kind") === "ClusterConfiguration",
        )
        .reduce(merge, own);
      const server: unknown =
        typeof merged === "object" && merged !== null ? Reflect.get(merged, "apiServer") : undefined;
      const sans: unknown = typeof server === "object" && server !== null ? Reflect.get(server, "certSANs") : undefined;
      return Array.isArray(sans) ? sans : [];
    });
}

/** The address of this machine itself, for a server that listens on every address. */
const LOOPBACKS = new Map([
  ["0.0.0.0", ["127.0.0.1"]],
  ["::", ["::1"]],
]);

const sanPatch = (names: readonly string[] | null) =>
  stringify({ kind: "ClusterConfiguration", apiServer: { certSANs: names } });

test("the certificate's names are the union of kind's, the patches' and extra-sans, in every combination", () => {
  const names = (...pool: readonly string[]) => fc.option(fc.subarray([...pool]), { nil: undefined });
  fc.assert(
    fc.property(
      fc.record({
        cluster: names("a.example", "b.example", "localhost"),
        node: names("b.example", "c.example"),
        extraSans: fc.subarray(["a.example", "d.example", "192.0.2.7"]),
        apiServerAddress: fc.option(fc.constantFrom("127.0.0.1", "0.0.0.0", "192.0.2.1", "::", "::1"), {
          nil: undefined,
        }),
        fastBoot: fc.boolean(),
      }),
      ({ cluster, node, extraSans, apiServerAddress, fastBoot }) => {
        const body = {
          ...(cluster === undefined
            ? {}
            : { kubeadmConfigPatches: ["kind: KubeletConfiguration\n", sanPatch(cluster)] }),
          nodes: [{ role: "worker" }, { ...(node === undefined ? {} : { kubeadmConfigPatches: [sanPatch(node)] }) }],
        };
        const rendered = render({ extraSans, apiServerAddress }, { user: configure(stringify(body)), fastBoot });
        const address = apiServerAddress ?? "127.0.0.1";
        const loopback = LOOPBACKS.get(address) ?? [];
        const wanted = new Set(["localhost", address, ...loopback, ...(cluster ?? []), ...(node ?? []), ...extraSans]);
        const names = only(effectiveSans(rendered));
        assert.deepEqual(names.toSorted(), [...wanted].toSorted());
      },
    ),
    { numRuns: 300 },
  );
});

test("extra-sans reach the certificate of every control plane, also without a kind configuration", () => {
  const rendered = render({ extraSans: ["docker.example"], controlPlanes: 2 });
  for (const sans of effectiveSans(rendered))
    assert.deepEqual(sans.toSorted(), ["127.0.0.1", "docker.example", "localhost"]);
});

test("kind's own names stay unchanged if there is nothing to add", () => {
  assert.deepEqual(render({}).kubeadmConfigPatches, []);
});

test("a patch that removes the names does not remove extra-sans", () => {
  for (const names of [[], null]) {
    const user = configure(stringify({ nodes: [{ kubeadmConfigPatches: [sanPatch(names)] }] }));
    assert.ok(only(effectiveSans(render({ extraSans: ["docker.example"] }, { user }))).includes("docker.example"));
  }
});

test("names in a patch that is written as JSON, or with Windows line endings, count too", () => {
  const json = JSON.stringify({ kind: "ClusterConfiguration", apiServer: { certSANs: ["json.example"] } });
  const windows = sanPatch(["windows.example"]).replaceAll("\n", "\r\n");
  const user = configure(stringify({ kubeadmConfigPatches: [json, windows] }));
  const sans = only(effectiveSans(render({ extraSans: ["x.example"], workers: 0 }, { user })));
  for (const name of ["json.example", "windows.example", "x.example", "localhost"])
    assert.ok(sans.includes(name), name);
});
