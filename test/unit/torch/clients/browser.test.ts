import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Failure } from "../../../../src/errors.ts";
import { describePage, openBrowser, PageError } from "../../../../src/torch/clients/browser.ts";
import { type LaunchSettings, openDashboard } from "../../../../src/torch/clients/dashboard.ts";
import { errorOf, type Received, refusingAddress, serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

const to = (location: string): Answer => ({ status: 302, headers: { location } });

/** A server whose every answer is a function of the request; it keeps what it got. */
async function site(context: TestContext, answer: (request: Received) => Answer) {
  const requests: Received[] = [];
  const base = await serve(context, (request, response) => {
    requests.push(request);
    const { status = 200, headers = {}, body = "" } = answer(request);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, [value].flat());
    response.writeHead(status).end(body);
  });
  return { base, requests, browser: openBrowser(base, SIGNAL) };
}

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

test("redirects are followed on the server as it was reached, whatever host they name, and as GET", async (context) => {
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

test("a redirect without an end is given up, and its target is shown", async (context) => {
  const { browser, requests } = await site(context, ({ path }) => to(path === "/login" ? "/home" : "/login"));
  const error = await errorOf(browser.open("/register"));
  assert.ok(error instanceof Failure);
  assert.match(error.message, /redirects \/register again and again, to \/(?:login|home) at last/);
  assert.ok(requests.length < 20);
});

test("a form goes where it says, with its fields and what is filled in", async (context) => {
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
  // A form that is not multipart sends a file's name alone, as a browser does.
  assert.equal(away?.path, "/away");
  assert.equal(new URLSearchParams(away?.body).get("yaml_template"), "x.zip");
});

test("an error's status fails with the page's words: its exception, else its title", async (context) => {
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

test("a server that is not there, and a run that is stopped, are told apart", async () => {
  const error = await errorOf(openBrowser(await refusingAddress(), SIGNAL).open("/login"));
  assert.ok(error instanceof Failure);
  assert.match(error.message, /does not answer \/login: .*ECONNREFUSED/);
  const stopped = new Error("stopped");
  const aborted = openBrowser(await refusingAddress(), AbortSignal.abort(stopped)).open("/login");
  assert.equal(await errorOf(aborted), stopped);
});

test("of what a page says the line that names the error is kept, and no template", () => {
  const say = (...errors: readonly string[]) => describePage({ title: "TORCH", forms: [], links: [], errors });
  const base64 = `${"QUJD".repeat(20_000)}=`;
  const trace = [
    "Invalid template submitted: Traceback (most recent call last):",
    ' File "tosca_parser.py", line 7, in load',
    `ValueError: "${base64}" is not a valid file.`,
    "During handling of the above exception, another exception occurred:",
    "Traceback (most recent call last):",
    `toscaparser.common.exception.InvalidTypeError: Type "a.B" is not valid. b'PK\\x03\\x04 it\\'s' end`,
  ];
  assert.equal(say(), "TORCH");
  assert.equal(say("one", "two\nthree"), "one two three");
  assert.equal(say(`bad ${base64} end`), "bad [the template] end");
  assert.equal(
    say(trace.join("\n")),
    'Invalid template submitted: toscaparser.common.exception.InvalidTypeError: Type "a.B" is not valid. [the template] end',
  );
  // Where there is no other reason, that one is told.
  assert.match(say(trace.slice(0, 3).join("\n")), /^Invalid template submitted: ValueError: "\[the template\]" is not/);
  assert.match(say("Traceback (most recent call last)\nKeyError: 'x'\nKeyError: 'x'"), /^\s*KeyError: 'x'$/);
  const long = "word ".repeat(20_000);
  for (const text of [long, `Traceback (most recent call last)\n${`ValueError: ${long}\n`.repeat(9)}`]) {
    assert.ok(say(text).length < 1100, String(say(text).length));
  }
});

/** What the pretended Laravel does, apart from its routes. */
interface Options {
  readonly register?: "refuse";
  readonly validate?: "refuse";
  readonly launch?: "refuse" | "break";
}

/**
 * A fake of the dashboard that behaves as Laravel: a POST is answered with a redirect, back to the Referer where the
 * result is shown, and what is flashed is there for one request.
 */
function laravel(options: Options) {
  let flash = "";
  const templates: string[] = ["simple"];
  const posted: Received[] = [];
  const layout = (body: string) => `<title>TORCH</title><a href="http://torch.example/user/1/template/create">New</a>
    <form id="logout" method="POST" action="/logout"><input type="hidden" name="_token" value="t"></form>${body}`;
  const token = '<input type="hidden" name="_token" value="t">';
  const rows = () =>
    templates.map(
      (name, at) => `<a href="http://torch.example/user/1/template/${at + 9}">${name}</a>
        <form method="POST" action="/user/1/template/${at + 9}">${token}<input type="hidden" name="_method"
          value="DELETE"><button class="btn text-danger">X</button></form>`,
    );
  const pages: Readonly<Record<string, () => string>> = {
    "/register": () => `<form method="POST" action="http://torch.example/register">${token}<input name="name">
      <input name="email"><input type="password" name="password"><input type="password" name="password_confirmation">`,
    "/home": () => layout(rows().join("")),
    "/user/1/template/create": () =>
      layout(`<form method="POST" action="/user/1/template/validate" enctype="multipart/form-data">${token}
        <input name="name"><input type="file" name="yaml_template"></form>`),
    "/user/1/template/10": () =>
      layout(`<form method="POST" action="/bpmn-engine">${token}<input name="bpmnEngineEndpoint" value="http://old">
        <input name="serviceBrokerEndpoint"><input name="retryCounter" value="3">
        <input name="createTimeout"><input type="hidden" name="templateID" value="10"></form>`),
  };
  const answerPost = ({ path, headers, body }: Received): Answer => {
    const back = to(`http://torch.example${new URL(headers.referer ?? "http://x/home").pathname}`);
    if (path === "/register") {
      if (options.register !== "refuse") return to("http://torch.example/home");
      flash = '<span class="invalid-feedback"><strong>The password is too short.</strong></span>';
      return back;
    }
    if (path === "/user/1/template/validate") {
      flash =
        options.validate === "refuse"
          ? `<div class="alert alert-danger">Invalid template submitted: ${"QUJD".repeat(500)} no type</div>`
          : `<form method="POST" action="/user/1/template">${token}<input type="hidden" name="name" value="">
              <input type="hidden" name="json_graph" value="[{&quot;node&quot;:{&quot;name&quot;:&quot;a&quot;}}]">
              <input type="hidden" name="yaml_template" value="&quot;UEs=&quot;"></form>`;
      return back;
    }
    if (path === "/user/1/template") {
      templates.push(new URLSearchParams(body).get("name") ?? "");
      return to("http://torch.example/home");
    }
    if (path === "/bpmn-engine") {
      if (options.launch === "break") return { status: 500, body: "<title>Undefined property: stdClass::$id</title>" };
      if (options.launch !== "refuse") return to("http://torch.example/home");
      flash = '<div class="alert alert-danger"> </div>';
      return back;
    }
    return { status: 404 };
  };
  return {
    posted,
    answer(request: Received): Answer {
      if (request.method === "POST") {
        posted.push(request);
        return answerPost(request);
      }
      const page = pages[request.path];
      if (page === undefined) return { status: 404, body: "<title>Not Found</title>" };
      const body = page() + flash;
      flash = "";
      return { body };
    },
  };
}

const ACCOUNT = { name: "ci", email: "ci@example.org", password: "hunter22" };
const TEMPLATE = { name: "simple", fileName: "simple.zip", bytes: Buffer.from("PK") };
const SETTINGS: LaunchSettings = {
  bpmnEngineEndpoint: "http://e:8080",
  serviceBrokerEndpoint: "http://b:9000",
  retryCounter: "0",
  checkPeriod: "2",
  createTimeout: "9",
};

/** Goes the whole way of a person, with what the dashboard got. */
async function deploy(context: TestContext, options: Options = {}) {
  const { posted, answer } = laravel(options);
  const dashboard = openDashboard((await site(context, answer)).base, SIGNAL);
  const walk = async () => {
    const home = await dashboard.register(ACCOUNT);
    const validated = await dashboard.validate(TEMPLATE, home);
    const list = await dashboard.create("simple", validated);
    await dashboard.launch(SETTINGS, await dashboard.openTemplate("simple", list), list);
    return validated.graph;
  };
  return { walk, posted };
}

test("a template is registered, validated, created and launched as a person does it", async (context) => {
  const { walk, posted } = await deploy(context);
  assert.equal(await walk(), '[{"node":{"name":"a"}}]');
  assert.deepEqual(
    posted.map(({ path }) => path),
    ["/register", "/user/1/template/validate", "/user/1/template", "/bpmn-engine"],
  );
  const [register, validate, create, launch] = posted.map(({ body }) => body);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(register)), {
    _token: "t",
    ...ACCOUNT,
    password_confirmation: ACCOUNT.password,
  });
  assert.match(validate ?? "", /name="yaml_template"; filename="simple\.zip"/);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(create)), {
    _token: "t",
    name: "simple",
    json_graph: '[{"node":{"name":"a"}}]',
    yaml_template: '"UEs="',
  });
  // The newest of the name, and of the settings those that its form has.
  const { checkPeriod: _, ...known } = SETTINGS;
  assert.deepEqual(Object.fromEntries(new URLSearchParams(launch)), { _token: "t", ...known, templateID: "10" });
});

test("what the dashboard refuses is said in its own words, even where it leaves them blank", async (context) => {
  const cases: readonly (readonly [Options, RegExp, number])[] = [
    [{ register: "refuse" }, /does not register an account\. It says: The password is too short\./, 1],
    [
      { validate: "refuse" },
      /does not validate the template simple\. It says: Invalid template submitted: \[the template\] no type$/,
      2,
    ],
    [
      { launch: "refuse" },
      /does not launch the template\. It says: nothing \(it ended on \/user\/1\/template\/10, "TORCH"\)/,
      4,
    ],
    [{ launch: "break" }, /answers \/bpmn-engine with status 500: Undefined property: stdClass::\$id/, 4],
  ];
  for (const [options, words, count] of cases) {
    const { walk, posted } = await deploy(context, options);
    const error = await errorOf(walk());
    assert.ok(error instanceof Failure);
    assert.match(error.message, words);
    assert.equal(posted.length, count, error.message);
  }
});

test("a page without the form or the link that is looked for is named", async (context) => {
  const { base } = await site(context, ({ path }) => ({ body: path === "/home" ? "<title>Empty</title>" : "" }));
  const dashboard = openDashboard(base, SIGNAL);
  assert.match((await errorOf(dashboard.register(ACCOUNT))).message, /not show a form that registers.*on \/register/);
  const from = { path: "/home", page: { title: "Empty", forms: [], links: [], errors: [] } };
  assert.match(
    (await errorOf(dashboard.validate(TEMPLATE, from))).message,
    /no link on \/home that uploads a template/,
  );
  assert.match(
    (await errorOf(dashboard.launch(SETTINGS, from, from))).message,
    /not show a form that launches the template/,
  );
});
