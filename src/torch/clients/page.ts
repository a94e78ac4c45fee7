import { Parser } from "htmlparser2";

/** A form of a page: where it goes, and what a browser sends with nothing filled in. */
export interface Form {
  /** `undefined`: to the page's own address. */
  readonly action: string | undefined;
  readonly method: "GET" | "POST";
  readonly multipart: boolean;
  readonly fields: Readonly<Record<string, string>>;
  /** The names of its file inputs. */
  readonly files: readonly string[];
}

/** A link of a page. */
export interface Link {
  readonly href: string;
  readonly text: string;
}

/** The parts of a page that a client needs. */
export interface Page {
  readonly title: string;
  readonly forms: readonly Form[];
  readonly links: readonly Link[];
  /** What the page says went wrong, its line breaks kept. */
  readonly errors: readonly string[];
}

/** Reads a page of the dashboard. */
export function readPage(html: string): Page {
  const [title, forms, links, errors] = [collectTitle(), collectForms(), collectLinks(), collectErrors()];
  const collectors = [title, forms, links, errors];
  const parser = new Parser({
    onopentag(name, attributes) {
      for (const collector of collectors) collector.open(name, attributes);
    },
    ontext(text) {
      for (const collector of collectors) collector.text(text);
    },
    onclosetag(name) {
      for (const collector of collectors) collector.close(name);
    },
  });
  parser.end(html);
  return { title: title.read(), forms: forms.read(), links: links.read(), errors: errors.read() };
}

type Attributes = Readonly<Record<string, string>>;

/** Collects one part of a page while it is parsed. */
interface Collector<T> {
  open(name: string, attributes: Attributes): void;
  text(text: string): void;
  close(name: string): void;
  /** What it has collected by now. */
  read(): T;
}

/** The first title that is not empty: pictures in a page (SVG) have titles too. */
function collectTitle(): Collector<string> {
  let title = "";
  let inside = false;
  return {
    open: (name) => {
      inside = name === "title" && title === "";
    },
    text: (text) => {
      if (inside) title += text;
    },
    close: () => {
      inside = false;
    },
    read: () => squeeze(title),
  };
}

function collectLinks(): Collector<readonly Link[]> {
  const links: { readonly href: string; text: string }[] = [];
  let link: (typeof links)[number] | undefined;
  return {
    open: (name, { href }) => {
      if (name !== "a" || href === undefined) return;
      link = { href, text: "" };
      links.push(link);
    },
    text: (text) => {
      if (link !== undefined) link.text += text;
    },
    close: (name) => {
      if (name === "a") link = undefined;
    },
    read: () => links.map(({ href, text }) => ({ href, text: squeeze(text) })),
  };
}

/**
 * The classes with which Laravel's views show an error, and its debug page an exception (Laravel 6). A button may have
 * `text-danger` without any error.
 */
const ERROR_CLASS = /\b(?:alert-danger|invalid-feedback|exc-message)\b/;

/** Elements without an end tag. */
const VOID_ELEMENTS: ReadonlySet<string> = new Set(["area", "br", "hr", "img", "input", "link", "meta", "wbr"]);

function collectErrors(): Collector<readonly string[]> {
  const errors: string[] = [];
  /** How many open elements there are, from the one that shows an error inwards; 0 outside of one. */
  let depth = 0;
  const add = (text: string) => errors.push(`${errors.pop() ?? ""}${text}`);
  return {
    open: (name, attributes) => {
      const isVoid = VOID_ELEMENTS.has(name);
      if (depth > 0) {
        if (!isVoid) depth += 1;
        // Two elements are two words, also without a space between them.
        add(" ");
      } else if (ERROR_CLASS.test(attributes.class ?? "") && !isVoid) {
        depth = 1;
        errors.push("");
      }
    },
    text: (text) => {
      if (depth > 0) add(text);
    },
    close: (name) => {
      if (depth > 0 && !VOID_ELEMENTS.has(name)) depth -= 1;
    },
    read: () => errors.map(squeezeLines).filter((text) => text !== ""),
  };
}

/** A form while it is read. */
interface OpenForm extends Omit<Form, "fields" | "files"> {
  readonly fields: Map<string, string>;
  readonly files: string[];
}

function collectForms(): Collector<readonly Form[]> {
  const forms: OpenForm[] = [];
  let form: OpenForm | undefined;
  let textArea: string | undefined;
  return {
    open: (name, attributes) => {
      if (name === "form") {
        form = readForm(attributes);
        forms.push(form);
      }
      if (form === undefined) return;
      if (name === "input") readInput(form, attributes);
      if (name === "textarea" && attributes.name !== undefined) {
        textArea = attributes.name;
        form.fields.set(textArea, "");
      }
    },
    text: (text) => {
      if (form === undefined || textArea === undefined) return;
      form.fields.set(textArea, `${form.fields.get(textArea) ?? ""}${text}`);
    },
    close: (name) => {
      if (name === "form") form = undefined;
      if (name === "textarea") textArea = undefined;
    },
    read: () => forms.map((each) => ({ ...each, fields: Object.fromEntries(each.fields) })),
  };
}

function readForm({ action, method, enctype }: Attributes): OpenForm {
  return {
    action: action === "" ? undefined : action,
    method: method?.toUpperCase() === "POST" ? "POST" : "GET",
    multipart: enctype?.toLowerCase() === "multipart/form-data",
    fields: new Map(),
    files: [],
  };
}

function readInput(form: OpenForm, { name, type: written = "text", value, checked, disabled }: Attributes): void {
  const type = written.toLowerCase();
  if (name === undefined || disabled !== undefined) return;
  if (type === "file") form.files.push(name);
  else if (["radio", "checkbox"].includes(type)) {
    if (checked !== undefined) form.fields.set(name, value ?? "on");
  } else if (!["submit", "button", "image", "reset"].includes(type)) {
    form.fields.set(name, value ?? "");
  }
}

function squeezeLines(text: string): string {
  const lines = text.split(/[\r\n]+/).map(squeeze);
  return lines.filter((line) => line !== "").join("\n");
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
