import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { CREDENTIALS_MOUNT } from "../../../src/inputs/torch.ts";
import { warnAboutSource } from "../../../src/inputs/torch-source.ts";
import { createTorchInputs, environmentOf, FOLDERS, only } from "../builders.ts";

const read = (inputs: Readonly<Record<string, string>>) => readInputs(environmentOf(inputs), FOLDERS);

test("without torch nothing is booted, and inputs that only a boot uses are a problem", () => {
  assert.equal(read({}).inputs.torch, undefined);
  assert.deepEqual(read({ "torch-example": "two-clusters", "torch-wait": "1m" }).problems, []);
  const { problems } = read({ "torch-ref": "main", "torch-csar": "x.zip", "torch-bpmn-plans": "b.zip" });
  assert.deepEqual(
    problems.map((problem) => problem.input),
    ["torch-ref and torch", "torch-csar and torch", "torch-bpmn-plans and torch"],
  );
});

test("a folder is distinguished from every form of a git URL", () => {
  assert.deepEqual(createTorchInputs({ torch: "." }).source, { kind: "folder", path: "/ws" });
  assert.deepEqual(createTorchInputs({ torch: "torch_v2" }).source, { kind: "folder", path: "/ws/torch_v2" });
  for (const url of [
    "https://gitlab.example/group/torch_v2.git",
    "ssh://git@gitlab.example/group/torch_v2.git",
    "git://127.0.0.1:9418/torch",
    "git@gitlab.example:group/torch_v2.git",
  ]) {
    assert.deepEqual(createTorchInputs({ torch: url, "torch-ref": "feature/x" }), {
      ...createTorchInputs({ torch: url }),
      source: { kind: "git", url },
      ref: "feature/x",
    });
  }
});

test("an invalid source is refused, and a password in it is never shown", () => {
  for (const torch of ["../elsewhere", "ftp://a.example/x", "file:///etc", "ext::sh -c true", "https://"]) {
    assert.equal(only(read({ torch }).problems).input, "torch");
  }
  for (const torch of ["https://me:hunter2@gitlab.example/x", "https://hunter2@gitlab.example/x"]) {
    const problem = only(read({ torch }).problems);
    assert.ok(!JSON.stringify(problem).includes("hunter2"), JSON.stringify(problem));
    assert.match(problem.reason, /which the log would show/);
  }
  // What depends on it is not reported in addition.
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
        // What is not a URL any more is a path of the workspace, if it can be one.
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

test("a source that others on the way can change is a warning, and one on this machine is not", () => {
  const warningsOf = (torch: string) => warnAboutSource(createTorchInputs({ torch }).source);
  for (const url of ["http://gitlab.example/x", "git://gitlab.example/x", "HTTP://gitlab.example/x"]) {
    assert.match(
      only(warningsOf(url)),
      /without encryption: anyone on the network path can change what is built and run/,
      url,
    );
  }
  for (const url of [".", "https://a.example/x", "ssh://git@a.example/x", "git@a.example:x", "git://127.0.0.1:9/x"]) {
    assert.deepEqual(warningsOf(url), [], url);
  }
});

test("a reference needs a URL, and is never an option of git's", () => {
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
  assert.equal(createTorchInputs({ torch: "." }).credentialsMount, CREDENTIALS_MOUNT);
  assert.equal(createTorchInputs({ torch: ".", "torch-credentials-mount": "/creds/" }).credentialsMount, "/creds");
  for (const mount of ["creds", "/", "/a:b", "/a,b", "/a b", "/$HOME"]) {
    const { problems } = read({ torch: ".", "torch-credentials-mount": mount });
    assert.equal(only(problems).input, "torch-credentials-mount");
  }
});

test("the number of connectors is the checkout's own, unless an input says one", () => {
  assert.equal(createTorchInputs({ torch: "." }).connectors, undefined);
  assert.equal(createTorchInputs({ torch: ".", "torch-connectors": "5" }).connectors, 5);
  assert.equal(createTorchInputs({ torch: ".", "torch-connectors": "0" }).connectors, 0);
  assert.equal(only(read({ torch: ".", "torch-connectors": "six" }).problems).input, "torch-connectors");
});
