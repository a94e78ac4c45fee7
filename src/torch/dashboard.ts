import { Failure } from "../failure.ts";
import { describeFetch } from "./engine.ts";
import { type Form, type Page, readPage } from "./form.ts";

/** An account at the dashboard: there is none by default, one registers. */
export interface Account {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** A template to be registered: the CSAR under its name. */
export interface Template {
  readonly name: string;
  readonly archive: Uint8Array;
}

/** How the engine is to go about a deployment; the names are the form's. */
export interface DeploymentSettings {
  readonly bpmnEngineEndpoint: string;
  readonly serviceBrokerEndpoint: string;
  readonly retryCounter: string;
  /** Seconds. */
  readonly checkPeriod: string;
  /** Minutes. */
  readonly createTimeout: string;
  readonly [other: string]: string;
}

/** The dashboard as a person with a browser uses it: forms with their tokens, cookies, redirects. */
export interface Dashboard {
  register(account: Account): Promise<void>;
  /** @returns the graph (JSON) that the dashboard makes of the template. */
  validate(template: Template): Promise<string>;
  /** @returns the form that deploys the new template. */
  create(template: Template, graph: string): Promise<Form>;
  deploy(form: Form, settings: DeploymentSettings): Promise<void>;
}

const REQUEST_SECONDS = 120;
const MAX_REDIRECTS = 10;

/** What the dashboard answered, read to its end. */
interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly html: string;
}

/** The page that a request ended on, and its path. */
interface Visited {
  readonly path: string;
  readonly page: Page;
}

/** Opens the dashboard. @param base its address on this machine. */
export function openDashboard(base: string, signal: AbortSignal): Dashboard {
  const cookies = new Map<string, string>();
  let token = "";
  /** The account's number: no page says it but in links. */
  let user = "1";

  async function send(path: string, body: FormData | undefined): Promise<Answer> {
    const cookieToken = cookies.get("XSRF-TOKEN");
    try {
      const response = await fetch(`${base}${path}`, {
        method: body === undefined ? "GET" : "POST",
        redirect: "manual",
        headers: {
          accept: "text/html",
          ...(cookies.size > 0 ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") } : {}),
          ...(cookieToken === undefined ? {} : { "x-xsrf-token": decodeURIComponent(cookieToken) }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_SECONDS * 1000)]),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=;]+)=([^;]*)/.exec(cookie) ?? [];
        if (name !== undefined && value !== undefined) cookies.set(name.trim(), value);
      }
      return {
        status: response.status,
        location: response.headers.get("location"),
        html: await response.text(),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure(`The dashboard does not answer ${path}: ${describeFetch(error)}`, { cause: error });
    }
  }

  /** One request, and the redirects after it. Whatever host a redirect names, the dashboard is where it was reached. */
  async function visit(path: string, fields?: Fields): Promise<Visited> {
    let next = path;
    let body = fields === undefined ? undefined : fill({ _token: token, ...fields });
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const { status, location, html } = await send(next, body);
      if (status >= 300 && status < 400 && location !== null) {
        const { pathname, search } = new URL(location, `${base}${next}`);
        next = `${pathname}${search}`;
        body = undefined;
        continue;
      }
      const page = readPage(html);
      if (status >= 400) {
        const said = page.errors.length > 0 ? page.errors.join(" ") : page.title;
        throw new Failure(`The dashboard answers ${next} with status ${status}: ${said}`);
      }
      token = page.token ?? token;
      for (const link of [...page.links, ...page.forms.map((form) => form.action)]) {
        user = /\/user\/(\d+)(?:\/|$)/.exec(link)?.[1] ?? user;
      }
      return { path: next, page };
    }
    throw new Failure(`The dashboard redirects without an end from ${path}.`);
  }

  /** The page with the form that deploys the newest template: the one at hand, else one that it links to. */
  async function findDeployment({ page }: Visited): Promise<Form | undefined> {
    const ready = page.forms.find((form) => "templateID" in form.fields);
    if (ready !== undefined) return ready;
    const numbers = page.links.map((link) => Number(/\/template\/(\d+)\/?$/.exec(link)?.[1] ?? 0));
    const newest = Math.max(0, ...numbers);
    if (newest === 0) return undefined;
    const { page: template } = await visit(`/user/${user}/template/${newest}`);
    return template.forms.find((form) => "templateID" in form.fields);
  }

  return {
    async register({ name, email, password }) {
      await visit("/register");
      const { path, page } = await visit("/register", { name, email, password, password_confirmation: password });
      if (path === "/register") throw refuse("does not register an account", page);
    },
    async validate({ name, archive }) {
      const { page } = await visit(`/user/${user}/template/validate`, { name, yaml_template: attach(name, archive) });
      const graph = page.inputs.json_graph;
      if (graph === undefined || graph === "") throw refuse(`does not validate the template ${name}`, page);
      return graph;
    },
    async create({ name, archive }, graph) {
      const fields = { name, yaml_template: attach(name, archive), json_graph: graph };
      const visited = await visit(`/user/${user}/template`, fields);
      const form = (await findDeployment(visited)) ?? (await findDeployment(await visit(`/user/${user}/template`)));
      if (form === undefined) throw refuse(`does not create the template ${name}`, visited.page);
      return form;
    },
    async deploy(form, settings) {
      const { page } = await visit("/bpmn-engine", { ...form.fields, ...settings });
      if (page.errors.length > 0) throw refuse("does not start the deployment", page);
    },
  };
}

/** What a form is filled in with. */
type Fields = Readonly<Record<string, string | File>>;

function fill(fields: Fields): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

function attach(name: string, archive: Uint8Array): File {
  return new File([Uint8Array.from(archive)], `${name}.zip`, { type: "application/zip" });
}

function refuse(what: string, { errors, title }: Page): Failure {
  return new Failure(
    `The dashboard ${what}. It says: ${errors.length > 0 ? errors.join(" ") : `nothing (the page is ${JSON.stringify(title)})`}`,
  );
}
