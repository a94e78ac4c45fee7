import assert from "node:assert/strict";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { prepareMachine } from "../e2e/harness.ts";
import { makePlace, type Place, refused } from "./refusal.ts";

const PASSWORD = "pull-secret-1f";
const WITHOUT_CNI = "networking: {disableDefaultCNI: true}";

/** The built bundle as a child process: what the nodes are to get beyond what kind gives them. None creates a cluster. */
describe("main refuses, of what the nodes get", () => {
  let place: Place;
  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(() => rm(place.root, { recursive: true }));

  const inWorkspace = (...names: readonly string[]) => join(place.folders.workspace, ...names);
  const configuration = (line: string) => `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n${line}\n`;
  const assertLines = (lines: readonly string[], expected: readonly RegExp[]) => {
    for (const each of expected) {
      const line = lines.find((one) => each.test(one)) ?? assert.fail(`no line for ${each} in\n${lines.join("\n")}`);
      assert.match(line, /Allowed: .+\. Fix: .+\./);
    }
  };

  it("every bad input at once, each with its name and its value", async () => {
    const bad = {
      "load-images": "no-tag",
      registry: "maybe",
      "registry-port": "65536",
      "registry-mirrors": "docker.io",
      "pull-credentials": "missing.json",
      "cni-manifests": "missing.yaml",
    };
    const lines = await refused(place, bad);
    assertLines(
      lines,
      Object.keys(bad).map((name) => new RegExp(`^${name}: "`)),
    );
    assert.match((await refused(place, { "install-only": "perhaps" })).join("\n"), /^install-only: "perhaps" .*Fix: /m);
  });

  it("load-images: what is not an image, an archive that is missing, compressed, a folder or none, outside", async () => {
    await writeFile(inWorkspace("text.tar"), "text");
    await mkdir(inWorkspace("folder.tar"));
    const images = ["app@sha256:1234", "other.tar.gz", "missing.tar", "text.tar", "folder.tar", "../outside.tar"];
    assertLines(await refused(place, { "load-images": images.join("\n") }), [
      /^load-images: "app@sha256:1234" has a digest/,
      /^load-images: "other\.tar\.gz" is a compressed archive/,
      /^load-images: "\S+\/missing\.tar" does not exist/,
      /^load-images: "\S+\/text\.tar" is not a tar archive/,
      /^load-images: "\S+\/folder\.tar" is not a file/,
      /^load-images: "\.\.\/outside\.tar" /,
    ]);
  });

  describe("cni-manifests", () => {
    it("that are missing, no file, or outside of the workspace, by a link too", async () => {
      await mkdir(inWorkspace("folder.yaml"));
      await symlink("/etc/hostname", inWorkspace("link.yaml"));
      const lines = await refused(place, {
        "cni-manifests": "missing.yaml, folder.yaml, link.yaml, /etc/hostname",
        "kind-config": configuration(WITHOUT_CNI),
      });
      assertLines(lines, [
        /^cni-manifests: "\S+\/missing\.yaml" does not exist/,
        /^cni-manifests: "\S+\/folder\.yaml" is not a file/,
        /^cni-manifests: "\S+\/link\.yaml" /,
        /^cni-manifests: "\/etc\/hostname" /,
      ]);
    });

    it("for a cluster with kind's own network, with and without a kind configuration", async () => {
      await writeFile(inWorkspace("cni.yaml"), "{}");
      const inputs = { "cni-manifests": "cni.yaml" };
      const second = /would be a second pod network beside kind's own: .*disableDefaultCNI/;
      assertLines(await refused(place, inputs), [new RegExp(`^cni-manifests: "\\S+/cni\\.yaml" ${second.source}`)]);
      const lines = await refused(place, {
        ...inputs,
        "kind-config": configuration("networking: {disableDefaultCNI: false}"),
      });
      assertLines(lines, [/^cni-manifests and kind-config: .*line 3, column \d+/]);
    });
  });

  describe("registry", () => {
    it("whose port is in use, and a port without a registry", async () => {
      await prepareMachine();
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const port = typeof address === "object" ? String(address?.port) : "";
      try {
        assertLines(await refused(place, { registry: "true", "registry-port": port }), [
          new RegExp(`^registry-port: "${port}" is already in use on this machine \\(127\\.0\\.0\\.1\\)`),
        ]);
      } finally {
        server.close();
      }
      assertLines(await refused(place, { "registry-port": "5010" }), [
        /^registry-port and registry: "5010" has no effect unless registry is true/,
      ]);
    });

    it("beside what the kind configuration says of the same", async () => {
      const patch = `containerdConfigPatches: ['[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]']`;
      const lines = await refused(place, { registry: "true", "kind-config": configuration(patch) });
      assertLines(lines, [/^registry and kind-config: "true" contradicts kind-config: .*registry\.mirrors/]);
    });
  });

  it("registry-mirrors: no URL, another scheme, Docker Hub by another name, a password", async () => {
    const mirrors = ["docker.io", "docker.io=ftp://mirror.example", "index.docker.io=https://mirror.example"];
    const lines = await refused(place, { "registry-mirrors": mirrors.join(", ") });
    assertLines(
      lines,
      mirrors.map(
        (mirror) => new RegExp(`^registry-mirrors: "${mirror}" is not a registry with the URL of its mirror`),
      ),
    );
    const secret = await refused(place, { "registry-mirrors": `docker.io=https://puller:${PASSWORD}@mirror.example` });
    assertLines(secret, [/^registry-mirrors: .* a query or a password\. Fix: .*pull-credentials/]);
    assert.ok(!secret.join("\n").includes(PASSWORD));
  });

  describe("pull-credentials, and repeats nothing of them", () => {
    const auth = Buffer.from(`puller:${PASSWORD}`).toString("base64");
    const contents: readonly (readonly [string, string, RegExp])[] = [
      ["that are no JSON", `{"auths": {"private.example": {"auth": "${auth}"`, /is not Docker's configuration/],
      ["that are a helper's", `{"credsStore": "desktop", "note": "${PASSWORD}"}`, /is not Docker's configuration/],
      [
        "that have no password",
        JSON.stringify({ auths: { "private.example": { identitytoken: PASSWORD } } }),
        /has no name with a password for any registry/,
      ],
    ];
    for (const [name, text, expected] of contents) {
      it(name, async () => {
        await writeFile(inWorkspace("config.json"), text, { mode: 0o600 });
        const lines = await refused(place, { "pull-credentials": "config.json" });
        assertLines(lines, [new RegExp(`^pull-credentials: "\\S+/config\\.json" ${expected.source}`)]);
        for (const secret of [PASSWORD, auth]) assert.ok(!lines.join("\n").includes(secret), secret);
      });
    }

    it("that are elsewhere", async () => {
      assertLines(await refused(place, { "pull-credentials": "/etc/hostname" }), [
        /^pull-credentials: "\/etc\/hostname"/,
      ]);
    });
  });
});
