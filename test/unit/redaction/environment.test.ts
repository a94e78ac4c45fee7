import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseDockerConfiguration, passwordsInUrl, readAmbientSecrets } from "../../../src/redaction/environment.ts";
import { makeFolder } from "../builders.ts";

test("passwords of proxies and registries are found, however they are written", async (context) => {
  const home = await makeFolder(context);
  await mkdir(join(home, ".docker"));
  const auth = Buffer.from("me:registry-password").toString("base64");
  const configuration = {
    auths: { "registry.example": { auth }, other: { identitytoken: "identity-token" }, odd: null },
    proxies: { default: { httpProxy: "http://u:docker-proxy@proxy:1", noProxy: "localhost" } },
    credsStore: "pass",
  };
  await writeFile(join(home, ".docker/config.json"), JSON.stringify(configuration));
  const { passwords, values } = await readAmbientSecrets({
    HOME: home,
    HTTP_PROXY: "http://user:p%40ssword@proxy:3128",
    https_proxy: "token-only@proxy",
    NO_PROXY: "localhost,10.0.0.0/8",
    ALL_PROXY: "http://proxy.example:3128",
    MY_TOKEN: "ghx-123456789",
    SHORT_TOKEN: "abc",
    TOKEN_URL: "https://example.org/token",
  });
  const expected = [
    "p%40ssword",
    "p@ssword",
    "token-only",
    auth,
    "registry-password",
    "identity-token",
    "docker-proxy",
  ];
  assert.deepEqual(passwords.toSorted(), expected.toSorted());
  assert.deepEqual(values, ["ghx-123456789"]);
});

test("no password is found where there is none", () => {
  for (const address of ["", "http://proxy:3128", "proxy", "http://proxy/path@x", "http://proxy?a=b:c@d"]) {
    assert.deepEqual(passwordsInUrl(address), [], address);
  }
  assert.deepEqual(passwordsInUrl("http://u:%zz@proxy"), ["%zz"]);
  for (const text of ["", "null", "[]", '"x"', '{"auths": 1}', '{"auths": {"a": "b"}}', "{"]) {
    assert.deepEqual(parseDockerConfiguration(text), { proxies: [], passwords: [] }, text);
  }
});
