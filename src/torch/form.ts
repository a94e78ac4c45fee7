import { Parser } from "htmlparser2";

/** A form of a page: where it goes, and what a browser would send with nothing filled in. */
export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What of a page a client needs. */
export interface Page {
  readonly title: string;
  /** The token against forged requests (Laravel's CSRF protection), where the page has one. */
  readonly token: string | undefined;
  readonly forms: readonly Form[];
  /** Every named input of the page, in a form or not: validation answers with a hidden `json_graph`. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly links: readonly string[];
  /** What the page says went wrong, in the classes of Bootstrap that Laravel's views use. */
  readonly errors: readonly string[];
}

const ERROR_CLASS = /\b(?:alert-danger|invalid-feedback|text-danger)\b/;

/** Reads a page of the dashboard. */
export function readPage(html: string): Page {
  const forms: { action: string; fields: Record<string, string> }[] = [];
  const inputs: Record<string, string> = {};
  const links: string[] = [];
  const errors: string[] = [];
  let form: (typeof forms)[number] | undefined;
  /** How deep in an element that tells an error the parser is; 0 is outside. */
  let depth = 0;
  let title = "";
  let inTitle = false;
  let token: string | undefined;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (depth > 0) {
        depth += 1;
        // A line break in the page is one between words.
        errors.push(`${errors.pop() ?? ""} `);
      } else if (ERROR_CLASS.test(attributes.class ?? "")) {
        depth = 1;
        errors.push("");
      }
      inTitle = name === "title";
      if (name === "meta" && attributes.name === "csrf-token") token ??= attributes.content;
      if (name === "form") {
        form = { action: attributes.action ?? "", fields: {} };
        forms.push(form);
      }
      if (name === "a" && attributes.href !== undefined) links.push(attributes.href);
      const field = attributes.name;
      if (name !== "input" || field === undefined) return;
      const checkable = ["radio", "checkbox"].includes(attributes.type ?? "");
      if (checkable && attributes.checked === undefined) return;
      if (field === "_token") token = attributes.value;
      inputs[field] = attributes.value ?? "";
      if (form !== undefined && attributes.type !== "file") form.fields[field] = attributes.value ?? "";
    },
    ontext(text) {
      if (inTitle) title += text;
      if (depth > 0) errors.push(`${errors.pop() ?? ""}${text}`);
    },
    onclosetag(name) {
      inTitle = false;
      if (depth > 0) depth -= 1;
      if (name === "form") form = undefined;
    },
  });
  parser.end(html);
  const said = errors.map((text) => text.replace(/\s+/g, " ").trim()).filter((text) => text !== "");
  return { title: title.trim(), token, forms, inputs, links, errors: said };
}
