import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../../src/errors.ts";
import { openBrowser } from "../../../../src/torch/clients/browser.ts";
import { PageError } from "../../../../src/torch/clients/page-error.ts";
import { errorOf, refusingAddress } from "../../builders.ts";
import { type Answer, SIGNAL, site, to } from "./site.ts";

test("cookies are kept, replaced by newer ones, and sent back", async (context) => {
  let count = 0;
  const { browser, requests } = await site(context, () => {
    count += 1;
    return { headers: { "set-cookie": [`torch_session=s${count}=; path=/; httponly`, "XSRF-TOKEN=eyJ%3D; path=/"] } };
  });
  for (const path of ["/a", "/b", "/c"]) await browser.open(path);
  assert.deepEqual(
    requests.map(({ headers }) => headers.cookie),
    [undefined, "torch_session=s1=; XSRF-TOKEN=eyJ%3D", "torch_session=s2=; XSRF-TOKEN=eyJ%3D"],
  );
});

test("redirects are followed with GET, and on the same server whatever host they name", async (context) => {
  const { browser, requests } = await site(context, ({ path }) => {
    if (path === "/send") return to("http://torch.example:8005/next?a=1");
    if (path === "/next?a=1") return to("relative/page");
    return { body: `<title>${path}</title>` };
  });
  const page = { title: "", forms: [], links: [], errors: [] };
  const form = { action: "/send", method: "POST", multipart: false, fields: { a: "b" }, files: [] } as const;
  const visited = await browser.submit(form, {}, { path: "/from", page });
  assert.equal(visited.path, "/relative/page");
  assert.equal(visited.page.title, "/relative/page");
  assert.deepEqual(
    requests.map(({ method, path, body, headers }) => [method, path, body, new URL(headers.referer ?? "").pathname]),
    [
      ["POST", "/send", "a=b", "/from"],
      ["GET", "/next?a=1", "", "/from"],
      ["GET", "/relative/page", "", "/from"],
    ],
  );
});

test("endless redirects are a failure that names the last target", async (context) => {
  const { browser, requests } = await site(context, ({ path }) => to(path === "/login" ? "/home" : "/login"));
  const error = await errorOf(browser.open("/register"));
  assert.ok(error instanceof Failure);
  assert.match(error.message, /redirects \/register more than 10 times, last to \/(?:login|home)\.$/);
  assert.ok(requests.length < 20);
});

test("a form is sent to its address with its own fields and the values filled in", async (context) => {
  const { browser, requests } = await site(context, () => ({}));
  const page = { title: "", forms: [], links: [], errors: [] };
  const from = { path: "/user/1/template/create?old=1", page };
  const fields = { _token: "t ü&=", name: "old" };
  const file = new File(["bytes\u0000"], "x.zip");
  const plain = { action: undefined, method: "POST", multipart: false, fields, files: [] } as const;
  await browser.submit(plain, { name: "new" }, from);
  await browser.submit({ ...plain, multipart: true, action: "../save" }, { yaml_template: file }, from);
  await browser.submit({ ...plain, method: "GET", action: "/find?old=1" }, {}, from);
  await browser.submit({ ...plain, action: "https://other.example/away" }, { yaml_template: file }, from);
  const [own, multipart, get, away] = requests;
  assert.deepEqual([own?.method, own?.path], ["POST", "/user/1/template/create?old=1"]);
  assert.match(own?.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(own?.body)), { _token: "t ü&=", name: "new" });
  assert.equal(multipart?.path, "/user/1/save");
  assert.match(multipart?.headers["content-type"] ?? "", /^multipart\/form-data/);
  assert.match(multipart?.body ?? "", /name="yaml_template"; filename="x\.zip"\r\n/);
  assert.ok(multipart?.body.includes("\r\n\r\nbytes\u0000\r\n"));
  assert.match(multipart?.body ?? "", /name="name"\r\n\r\nold\r\n/);
  assert.deepEqual([get?.method, get?.body], ["GET", ""]);
  const query = new URL(get?.path ?? "", "http://x").searchParams;
  assert.deepEqual([get?.path.startsWith("/find?"), Object.fromEntries(query)], [true, fields]);
  // A form that is not multipart sends only the file's name, as a browser does.
  assert.equal(away?.path, "/away");
  assert.equal(new URLSearchParams(away?.body).get("yaml_template"), "x.zip");
});

test("an answer with an error's status fails with the page's exception, or else its title", async (context) => {
  const cases: readonly (readonly [number, string, string])[] = [
    [500, "<title>Undefined property: stdClass::$id</title>", "Undefined property: stdClass::$id"],
    [500, '<title>Whoops! There was an error.</title><span class="exc-message">No <b>key</b></span>', "No key"],
    [419, "<title>Page Expired</title>", "Page Expired"],
    [502, "", "an empty page"],
  ];
  let next: Answer = {};
  const { browser } = await site(context, () => next);
  for (const [status, body, words] of cases) {
    next = { status, body };
    const error = await errorOf(browser.open("/x?y=1"));
    assert.ok(error instanceof PageError, words);
    assert.equal(error.status, status);
    assert.equal(error.message, `The dashboard answers /x?y=1 with status ${status}: ${words}`);
  }
});

test("a server that does not listen and a run that is stopped are different errors", async () => {
  const error = await errorOf(openBrowser(await refusingAddress(), SIGNAL).open("/login"));
  assert.ok(error instanceof Failure);
  assert.match(error.message, /does not answer \/login: .*ECONNREFUSED/);
  const stopped = new Error("stopped");
  const aborted = openBrowser(await refusingAddress(), AbortSignal.abort(stopped)).open("/login");
  assert.equal(await errorOf(aborted), stopped);
});
