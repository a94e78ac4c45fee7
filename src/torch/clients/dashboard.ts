import { Failure } from "../../errors.ts";
import { openBrowser, type Visited } from "./browser.ts";
import type { Form } from "./page.ts";
import { describePage } from "./page-error.ts";

/** An account at the dashboard, which has none by default. */
export interface Account {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** The file of a template. Its extension says whether it is a CSAR (`zip`) or plain TOSCA YAML. */
export interface TemplateFile {
  /** The template's name. */
  readonly name: string;
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** The settings of a deployment, with the names that the fields of the form have. */
export interface LaunchSettings {
  readonly bpmnEngineEndpoint: string;
  readonly serviceBrokerEndpoint: string;
  readonly retryCounter: string;
  /** Seconds. */
  readonly checkPeriod: string;
  /** Minutes. */
  readonly createTimeout: string;
}

/** A template that the dashboard has validated: its graph (JSON), and the page with the form that creates it. */
export interface ValidatedTemplate {
  readonly graph: string;
  readonly page: Visited;
  readonly form: Form;
}

/** The dashboard, used as a person with a browser would. Each call starts from the page on which the one before ended. */
export interface Dashboard {
  /** @returns the page that a user gets after logging in. */
  register(account: Account): Promise<Visited>;
  validate(template: TemplateFile, from: Visited): Promise<ValidatedTemplate>;
  /** @returns the page that lists the template. */
  create(name: string, validated: ValidatedTemplate): Promise<Visited>;
  /** Opens the newest template of a name. @param from the page that lists the templates. */
  openTemplate(name: string, from: Visited): Promise<Visited>;
  /** Launches a template. @param page its own page; @param list the page that lists the templates. */
  launch(settings: LaunchSettings, page: Visited, list: Visited): Promise<void>;
}

/** Opens the dashboard. @param base its address on this machine. */
export function openDashboard(base: string, signal: AbortSignal): Dashboard {
  const browser = openBrowser(base, signal);
  return {
    async register({ name, email, password }) {
      const page = await browser.open("/register");
      const form = findForm(page, (each) => "password_confirmation" in each.fields, "a form that registers an account");
      const fields = { name, email, password, password_confirmation: password };
      const registered = await browser.submit(form, fields, page);
      // The form again: the account was refused.
      if (registered.path === page.path) throw refusal("does not register an account", registered);
      return registered;
    },
    async validate({ name, fileName, bytes }, from) {
      // Only this page shows the result, and only if the request came from it.
      const page = await browser.open(findLink(from, /\/template\/create\/?$/, "uploads a template"), from);
      const form = findForm(page, (each) => each.files.includes("yaml_template"), "a form that uploads a template");
      const file = new File([Uint8Array.from(bytes)], fileName);
      const answered = await browser.submit(form, { name, yaml_template: file }, page);
      const create = answered.page.forms.find((each) => "json_graph" in each.fields);
      if (create === undefined) throw refusal(`does not validate the template ${name}`, answered);
      return { graph: create.fields.json_graph ?? "", page: answered, form: create };
    },
    async create(name, { form, page }) {
      const created = await browser.submit(form, { name }, page);
      if (findTemplate(created, name) === undefined) throw refusal(`does not create the template ${name}`, created);
      return created;
    },
    async openTemplate(name, from) {
      return await browser.open(findTemplate(from, name) ?? from.path, from);
    },
    async launch(settings, page, list) {
      const form = findForm(page, (each) => "templateID" in each.fields, "a form that launches the template");
      const known = Object.entries(settings).filter(([field]) => field in form.fields);
      const launched = await browser.submit(form, Object.fromEntries(known), page);
      // A launch ends on the list of templates. On any other page it was refused, even if the reason is blank.
      if (launched.path !== list.path) throw refusal("does not launch the template", launched);
    },
  };
}

/** The newest template of a name that a page links to. */
function findTemplate({ page }: Visited, name: string): string | undefined {
  const numberOf = (href: string) => Number(/\/template\/(\d+)\/?$/.exec(href)?.[1] ?? 0);
  return page.links
    .filter(({ href, text }) => text === name && numberOf(href) > 0)
    .toSorted((a, b) => numberOf(b.href) - numberOf(a.href))
    .at(0)?.href;
}

function findLink(visited: Visited, pattern: RegExp, what: string): string {
  const link = visited.page.links.find(({ href }) => pattern.test(href));
  if (link === undefined) throw refusal(`has no link on ${visited.path} that ${what}`, visited);
  return link.href;
}

function findForm(visited: Visited, matches: (form: Form) => boolean, what: string): Form {
  const form = visited.page.forms.find(matches);
  if (form === undefined) throw refusal(`does not show ${what} on ${visited.path}`, visited);
  return form;
}

function refusal(what: string, { path, page }: Visited): Failure {
  const reason =
    page.errors.length > 0
      ? describePage(page)
      : `no reason is given (the request ended on ${path}, ${JSON.stringify(page.title)})`;
  return new Failure(`The dashboard ${what}: ${reason}`, { retryable: false });
}
