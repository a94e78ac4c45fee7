import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { CREDENTIALS_MOUNT, warnAboutSource } from "../../../src/inputs/torch.ts";
import { planLayout, selectPlans } from "../../../src/torch/checkout/layout.ts";
import { applyTorchEndpoint, checkEndpoint, chooseEndpoint } from "../../../src/torch/endpoint.ts";
import { configure, createInputs, createSurvey, environmentOf, FOLDERS, only } from "../builders.ts";

const read = (inputs: Readonly<Record<string, string>>) => readInputs(environmentOf(inputs), FOLDERS);
const torchOf = (inputs: Readonly<Record<string, string>>) => {
  const { inputs: all, problems } = read(inputs);
  assert.deepEqual(problems, []);
  assert.ok(all.torch);
  return all.torch;
};

test("without torch there is no boot, and what only a boot could use is a problem", () => {
  assert.equal(read({}).inputs.torch, undefined);
  assert.deepEqual(read({ "torch-example": "two-clusters", "torch-wait": "1m" }).problems, []);
  const { problems } = read({ "torch-ref": "main", "torch-csar": "x.zip", "torch-bpmn-plans": "b.zip" });
  assert.deepEqual(
    problems.map((problem) => problem.input),
    ["torch-ref and torch", "torch-csar and torch", "torch-bpmn-plans and torch"],
  );
});

test("a folder and every form of a git URL are told apart", () => {
  assert.deepEqual(torchOf({ torch: "." }).source, { kind: "folder", path: "/ws" });
  assert.deepEqual(torchOf({ torch: "torch_v2" }).source, { kind: "folder", path: "/ws/torch_v2" });
  for (const url of [
    "https://gitlab.example/group/torch_v2.git",
    "ssh://git@gitlab.example/group/torch_v2.git",
    "git://127.0.0.1:9418/torch",
    "git@gitlab.example:group/torch_v2.git",
  ]) {
    assert.deepEqual(torchOf({ torch: url, "torch-ref": "feature/x" }), {
      ...torchOf({ torch: url }),
      source: { kind: "git", url },
      ref: "feature/x",
    });
  }
});

test("a source that is none is refused, and a password in it is never shown", () => {
  for (const torch of ["../elsewhere", "ftp://a.example/x", "file:///etc", "ext::sh -c true", "https://"]) {
    assert.equal(only(read({ torch }).problems).input, "torch");
  }
  for (const torch of ["https://me:hunter2@gitlab.example/x", "https://hunter2@gitlab.example/x"]) {
    const problem = only(read({ torch }).problems);
    assert.ok(!JSON.stringify(problem).includes("hunter2"), JSON.stringify(problem));
    assert.match(problem.reason, /shown in the log/);
  }
  // What depends on it is not complained about on top.
  assert.equal(only(read({ torch: "ftp://a.example/x", "torch-csar": "x.zip" }).problems).input, "torch");
});

test("a URL is one line that git reads as the standard does", () => {
  const hosts = ["https://a.example/x", "ssh://git@a.example/x", "git://a.example/x"];
  fc.assert(
    fc.property(
      fc.constantFrom(...hosts),
      fc.constantFrom("\n", "\r", "\t", "\0", "\u0007", "\u0085", "\u2028", "\u202e", " ", "\\"),
      fc.nat({ max: 30 }),
      (url, sign, position) => {
        const at = 1 + Math.min(position, url.length - 2);
        const { inputs, problems } = read({ torch: `${url.slice(0, at)}${sign}${url.slice(at)}` });
        // What is no URL any more is a path of the workspace, if it can be one.
        if (problems.length > 0) assert.equal(only(problems).input, "torch");
        else assert.equal(inputs.torch?.source.kind, "folder");
      },
    ),
  );
  for (const torch of ["https:a.example/x", "https:/a.example/x", "https:\\\\a.example\\x", "https:///a.example"]) {
    assert.match(only(read({ torch }).problems).reason, /lacks the slashes after its protocol/, torch);
  }
  // A password is hidden where the rest is wrong as well.
  for (const torch of ["https:me:hunter2@a.example/x", "https://me:hunter2@a.example/\nx"]) {
    assert.ok(!JSON.stringify(only(read({ torch }).problems)).includes("hunter2"), torch);
  }
});

test("a source that others on the way can change is said, and one on this machine is not", () => {
  const warningsOf = (torch: string) => warnAboutSource(torchOf({ torch }).source);
  for (const url of ["http://gitlab.example/x", "git://gitlab.example/x", "HTTP://gitlab.example/x"]) {
    assert.match(only(warningsOf(url)), /without encryption: anyone on the way can change what is built and run/, url);
  }
  for (const url of [".", "https://a.example/x", "ssh://git@a.example/x", "git@a.example:x", "git://127.0.0.1:9/x"]) {
    assert.deepEqual(warningsOf(url), [], url);
  }
});

test("a reference belongs to a URL, and is no option of git's", () => {
  assert.equal(only(read({ torch: ".", "torch-ref": "main" }).problems).input, "torch-ref and torch");
  for (const ref of ["--upload-pack=x", "a..b", "main:refs/heads/x", "a b", "+x"]) {
    assert.equal(only(read({ torch: "https://a.example/x", "torch-ref": ref }).problems).input, "torch-ref");
  }
});

test("no path of the layout leads out of the checkout", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("..", "a", ".", "", "b c")), (parts) => {
      const { inputs, problems } = read({ torch: ".", "torch-engine-folder": parts.join("/") });
      const folder = inputs.torch?.layout.folders.engine;
      if (problems.length > 0) assert.equal(only(problems).input, "torch-engine-folder");
      else if (folder !== undefined) assert.ok(!/^\/|(^|\/)\.\.(\/|$)/.test(folder), folder);
    }),
  );
});

test("the mount is one absolute folder of a container", () => {
  assert.equal(torchOf({ torch: "." }).credentialsMount, CREDENTIALS_MOUNT);
  assert.equal(torchOf({ torch: ".", "torch-credentials-mount": "/creds/" }).credentialsMount, "/creds");
  for (const mount of ["creds", "/", "/a:b", "/a,b", "/a b", "/$HOME"]) {
    const { problems } = read({ torch: ".", "torch-credentials-mount": mount });
    assert.equal(only(problems).input, "torch-credentials-mount");
  }
});

test("the number of connectors is the checkout's own, unless an input says one", () => {
  assert.equal(torchOf({ torch: "." }).connectors, undefined);
  assert.equal(torchOf({ torch: ".", "torch-connectors": "5" }).connectors, 5);
  assert.equal(torchOf({ torch: ".", "torch-connectors": "0" }).connectors, 0);
  assert.equal(only(read({ torch: ".", "torch-connectors": "six" }).problems).input, "torch-connectors");
});

test("the layout is the guide's, but for what an input tells", () => {
  const guide = planLayout("two-clusters", torchOf({ torch: "." }).layout);
  assert.equal(guide.docker, "examples/two-clusters/docker");
  assert.deepEqual(guide.components.engine, {
    composeFile: "examples/two-clusters/docker/docker-compose-flowable-rest-solver.yaml",
    folder: "model/flowable",
    explicit: false,
  });
  const chosen = planLayout(
    "two-clusters",
    torchOf({ torch: ".", "torch-example-folder": "e2e/docker", "torch-engine-folder": "engine/" }).layout,
  );
  assert.deepEqual(chosen.components.engine, {
    composeFile: "e2e/docker/docker-compose-flowable-rest-solver.yaml",
    folder: "engine",
    explicit: true,
  });
  assert.equal(chosen.components.services.explicit, false);
});

test("the plans are known by their name", () => {
  const files = ["bpmn_plans_v2_3_8.zip", "BPMN.bar", "x.zip", "bpmn.txt", "docker-compose.yaml"];
  assert.deepEqual(selectPlans(files), ["bpmn_plans_v2_3_8.zip", "BPMN.bar"]);
});

test("an external endpoint puts the API server where containers reach it, under a name that it answers to", () => {
  const external = createInputs({ torch: torchOf({ torch: ".", "torch-endpoint": "external" }) });
  const applied = applyTorchEndpoint(external, undefined, "172.17.0.1");
  assert.equal(applied.apiServerAddress, "172.17.0.1");
  assert.deepEqual(applied.extraSans, ["host.docker.internal"]);
  const own = configure("networking: {apiServerAddress: 0.0.0.0}\n");
  assert.equal(applyTorchEndpoint(external, own, "172.17.0.1").apiServerAddress, undefined);
  const internal = createInputs({ torch: torchOf({ torch: "." }) });
  assert.equal(applyTorchEndpoint(internal, undefined, "172.17.0.1"), internal);
});

test("an API server that only the host reaches contradicts an external endpoint", () => {
  const external = torchOf({ torch: ".", "torch-endpoint": "external" });
  const on = (value: string) => ({ apiServerAddress: value, addressField: { input: "api-server-address", value } });
  const { engine } = createSurvey();
  const problem = only(checkEndpoint(external, on("127.0.0.1"), engine));
  assert.deepEqual([problem.input, problem.value], ["torch-endpoint and api-server-address", "external and 127.0.0.1"]);
  assert.equal(checkEndpoint(external, on("0.0.0.0"), engine).length, 0);
  assert.equal(checkEndpoint(torchOf({ torch: "." }), on("127.0.0.1"), engine).length, 0);
  // Without an engine the gateway is not known: that is the one problem.
  assert.equal(checkEndpoint(external, on("127.0.0.1"), new Error("is not installed")).length, 0);
});

test("the endpoint that TORCH gets is kind's own name, or the Docker host's with the published port", () => {
  const [inside, outside] = ["https://c-control-plane:6443", "https://172.17.0.1:40123"];
  assert.equal(chooseEndpoint("internal", inside, outside), inside);
  assert.equal(chooseEndpoint("external", inside, outside), "https://host.docker.internal:40123");
});
