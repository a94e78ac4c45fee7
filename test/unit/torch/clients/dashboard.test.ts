import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Failure } from "../../../../src/errors.ts";
import { type LaunchSettings, openDashboard } from "../../../../src/torch/clients/dashboard.ts";
import { errorOf, type Received } from "../../builders.ts";
import { type Answer, SIGNAL, site, to } from "./site.ts";

/** What the fake dashboard does instead of what it is asked for. */
interface Options {
  readonly register?: "refuse";
  readonly validate?: "refuse";
  readonly launch?: "refuse" | "break";
}

/**
 * A fake of the dashboard that behaves like Laravel: it answers a POST with a redirect, which leads back to the Referer if
 * that page shows the result, and what is flashed is shown once.
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
  const home = to("http://torch.example/home");
  /** Shows something on the page that the request came from. */
  const flashBack = ({ headers }: Received, html: string) => {
    flash = html;
    return to(`http://torch.example${new URL(headers.referer ?? "http://x/home").pathname}`);
  };
  const actions: Readonly<Record<string, (request: Received) => Answer>> = {
    "/register": (request) => {
      if (options.register !== "refuse") return home;
      return flashBack(request, '<span class="invalid-feedback"><strong>The password is too short.</strong></span>');
    },
    "/user/1/template/validate": (request) =>
      flashBack(
        request,
        options.validate === "refuse"
          ? `<div class="alert alert-danger">Invalid template submitted: ${"QUJD".repeat(500)} no type</div>`
          : `<form method="POST" action="/user/1/template">${token}<input type="hidden" name="name" value="">
              <input type="hidden" name="json_graph" value="[{&quot;node&quot;:{&quot;name&quot;:&quot;a&quot;}}]">
              <input type="hidden" name="yaml_template" value="&quot;UEs=&quot;"></form>`,
      ),
    "/user/1/template": ({ body }) => {
      templates.push(new URLSearchParams(body).get("name") ?? "");
      return home;
    },
    "/bpmn-engine": (request) => {
      if (options.launch === "break") return { status: 500, body: "<title>Undefined property: stdClass::$id</title>" };
      if (options.launch !== "refuse") return home;
      return flashBack(request, '<div class="alert alert-danger"> </div>');
    },
  };
  return {
    posted,
    answer(request: Received): Answer {
      if (request.method === "POST") {
        posted.push(request);
        return actions[request.path]?.(request) ?? { status: 404 };
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

/** Goes through all steps of a person, and keeps what the dashboard got. */
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

test("a template is validated, created and launched as a person would do it", async (context) => {
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

test("a refusal of the dashboard is quoted, and one without a reason is still a failure", async (context) => {
  const cases: readonly (readonly [Options, RegExp, number])[] = [
    [{ register: "refuse" }, /does not register an account: The password is too short\./, 1],
    [
      { validate: "refuse" },
      /does not validate the template simple: Invalid template submitted: \[the template\] no type$/,
      2,
    ],
    [
      { launch: "refuse" },
      /does not launch the template: no reason is given \(the request ended on \/user\/1\/template\/10, "TORCH"\)/,
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

test("a page that lacks a form or a link is named", async (context) => {
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
