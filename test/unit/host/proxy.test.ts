import assert from "node:assert/strict";
import { test } from "node:test";
import { findProxies } from "../../../src/host/proxy.ts";

test("the proxies of an environment are found without user and password", () => {
  const environment = {
    HTTPS_PROXY: "http://user:p@ss/w0rd@proxy.example:3128/x",
    http_proxy: "user:secret@proxy.example",
    ALL_PROXY: "",
    NO_PROXY: "localhost",
  };
  assert.deepEqual(findProxies(environment), ["HTTPS_PROXY=http://proxy.example:3128", "HTTP_PROXY=proxy.example"]);
  assert.deepEqual(findProxies({}), []);
  const shown: readonly (readonly [string, string])[] = [
    ["http://u:p@proxy:3128/?x=@s", "http://proxy:3128"],
    ["http://u:p@q@proxy:80/", "http://proxy:80"],
    ["socks5://u:p@[::1]:1080", "socks5://[::1]:1080"],
    ["http://proxy:3128/x?y", "http://proxy:3128"],
    // None of these is a URL with the user's meaning: a password has what would end it.
    ["http://u:12?x@proxy:3128", "http://proxy:3128"],
    ["http://u:12/x?y@proxy:3128", "http://proxy:3128"],
    ["http://u:p@1#x@proxy:3128", "http://proxy:3128"],
  ];
  for (const [value, proxy] of shown) assert.deepEqual(findProxies({ HTTP_PROXY: value }), [`HTTP_PROXY=${proxy}`]);
});
