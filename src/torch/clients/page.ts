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

/** What of a page a client needs. */
export interface Page {
  readonly title: string;
  readonly forms: readonly Form[];
  readonly links: readonly Link[];
  /** What the page says went wrong, its line breaks kept. */
  readonly errors: readonly string[];
}

/**
 * The classes of what Laravel's views show as an error, and its debug page's exception (Laravel 6). A button may be
 * `text-danger` without any error.
 */
const ERROR_CLASS = /\b(?:alert-danger|invalid-feedback|exc-message)\b/;

/** Reads a page of the dashboard. */
export function readPage(html: string): Page {
  const forms: OpenForm[] = [];
  const links: Writable<Link>[] = [];
  const errors: string[] = [];
  let form: OpenForm | undefined;
  let link: Writable<Link> | undefined;
  /** How deep in an element that shows an error the parser is; 0 is outside. */
  let depth = 0;
  let title = "";
  let inTitle = false;
  let textArea: string | undefined;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (depth > 0) {
        if (!VOID_ELEMENTS.has(name)) depth += 1;
        // A line break in the page is one between words.
        errors.push(`${errors.pop() ?? ""} `);
      } else if (ERROR_CLASS.test(attributes.class ?? "") && !VOID_ELEMENTS.has(name)) {
        depth = 1;
        errors.push("");
      }
      inTitle = name === "title" && title === "";
      if (name === "form") {
        form = readForm(attributes);
        forms.push(form);
      }
      if (name === "a" && attributes.href !== undefined) {
        link = { href: attributes.href, text: "" };
        links.push(link);
      }
      if (name === "input" && form !== undefined) readInput(form, attributes);
      if (name === "textarea" && form !== undefined && attributes.name !== undefined) {
        textArea = attributes.name;
        form.fields.set(textArea, "");
      }
    },
    ontext(text) {
      if (inTitle) title += text;
      if (depth > 0) errors.push(`${errors.pop() ?? ""}${text}`);
      if (link !== undefined) link.text += text;
      if (form !== undefined && textArea !== undefined) {
        form.fields.set(textArea, `${form.fields.get(textArea) ?? ""}${text}`);
      }
    },
    onclosetag(name) {
      inTitle = false;
      if (depth > 0 && !VOID_ELEMENTS.has(name)) depth -= 1;
      if (name === "form") form = undefined;
      if (name === "a") link = undefined;
      if (name === "textarea") textArea = undefined;
    },
  });
  parser.end(html);
  return {
    title: squeeze(title),
    forms: forms.map((each) => ({ ...each, fields: Object.fromEntries(each.fields) })),
    links: links.map(({ href, text }) => ({ href, text: squeeze(text) })),
    errors: errors.map(squeezeLines).filter((text) => text !== ""),
  };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A form while it is read. */
type OpenForm = Omit<Form, "fields" | "files"> & { readonly fields: Map<string, string>; readonly files: string[] };

type Attributes = Readonly<Record<string, string>>;

/** Elements without an end tag. */
const VOID_ELEMENTS: ReadonlySet<string> = new Set(["area", "br", "hr", "img", "input", "link", "meta", "wbr"]);

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
