import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readPage } from "../../../../src/torch/clients/page.ts";
import { only } from "../../builders.ts";

test("a page's forms, links and errors are read as a browser would", () => {
  const page = readPage(`<html><head><title> Torch
      &amp; more </title><meta name="csrf-token" content="m"></head><body>
    <svg><title>an arrow</title></svg>
    <div class="alert alert-danger">It was <b>impossible</b><br>to deploy</div>
    <a href="http://localhost/user/7/template"> Mine
      <b>own</b></a><a name="top">no link</a>
    <form action="/bpmn-engine" method="post">
      <input type="hidden" name="_token" value="t&amp;1"><input name="checkPeriod" value="30">
      <input type="radio" name="r" value="a"><input type="radio" name="r" value="b" checked>
      <input type="checkbox" name="unchecked"><input type="checkbox" name="checked" checked>
      <input type="hidden" name="json_graph" value="[{&quot;a&quot;:1}]"><input value="nameless">
      <input name="disabled" value="x" disabled><input type="submit" name="go" value="Go">
      <button type="submit" name="x" class="btn text-danger">X</button>
    </form>
    <input type="hidden" name="outside" value="1">
    <span class="invalid-feedback"><strong>Too short</strong></span></body></html>`);
  assert.equal(page.title, "Torch & more");
  assert.deepEqual(page.links, [{ href: "http://localhost/user/7/template", text: "Mine own" }]);
  assert.deepEqual(only(page.forms), {
    action: "/bpmn-engine",
    method: "POST",
    multipart: false,
    fields: { _token: "t&1", checkPeriod: "30", r: "b", checked: "on", json_graph: '[{"a":1}]' },
    files: [],
  });
  assert.deepEqual(page.errors, ["It was impossible to deploy", "Too short"]);
  assert.deepEqual(readPage(""), { title: "", forms: [], links: [], errors: [] });
});

test("a form is read with its address, method and encoding", () => {
  const cases: readonly (readonly [string, string | undefined, "GET" | "POST", boolean])[] = [
    ["<form>", undefined, "GET", false],
    ['<form action="">', undefined, "GET", false],
    ['<form action="/x" method="POST">', "/x", "POST", false],
    ['<form method="post" enctype="multipart/form-data">', undefined, "POST", true],
    ['<form method="Post" enctype="Multipart/Form-Data">', undefined, "POST", true],
    ['<form method="post" enctype="application/x-www-form-urlencoded">', undefined, "POST", false],
    ['<form method="put">', undefined, "GET", false],
  ];
  for (const [html, action, method, multipart] of cases) {
    assert.deepEqual(only(readPage(html).forms), { action, method, multipart, fields: {}, files: [] }, html);
  }
});

test("each form has its own fields and files, text areas among them", () => {
  const { forms } = readPage(`
    <form id="logout"><input type="hidden" name="_token" value="1"></form>
    <form enctype="multipart/form-data"><input type="hidden" name="_token" value="2">
      <input type="file" name="yaml_template"><input type="file" name="other">
      <textarea name="notes">one
&lt;two&gt;</textarea><textarea>nameless</textarea>after</form>`);
  assert.deepEqual(
    forms.map(({ fields, files }) => [fields, files]),
    [
      [{ _token: "1" }, []],
      [{ _token: "2", notes: "one\n<two>" }, ["yaml_template", "other"]],
    ],
  );
});

test("an empty text area is sent empty, as a browser sends it", () => {
  assert.deepEqual(only(readPage('<form><textarea name="a"></textarea></form>').forms).fields, { a: "" });
});

test("errors are what Laravel's views and its debug page show as errors, and nothing else that is red", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['<button class="btn btn-sm text-danger">X</button>', []],
    ['<div class="alert alert-success">Saved</div><div class="alert alert-danger-soft"></div>', []],
    ['<div class="alert alert-danger"></div>', []],
    ['<div class="alert alert-danger"> <ul><li>One<li>Two</ul></div><p>after</p>', ["One Two"]],
    ['<div class="alert-danger"><img src="a"><input name="x">Bad<hr></div>after', ["Bad"]],
    ['<div class="alert-danger">a<span class="invalid-feedback">b</span></div>after', ["a b"]],
    ['<span class="exc-message">Undefined property: stdClass::$id</span>', ["Undefined property: stdClass::$id"]],
    ['<div class="invalid-feedback" role="alert"><strong>Taken.</strong></div>', ["Taken."]],
    ['<div class="alert-danger">Traceback\n  in  line\r\n\nError</div>', ["Traceback\nin line\nError"]],
  ];
  for (const [html, errors] of cases) {
    assert.deepEqual(readPage(html).errors, errors, html);
  }
});

test("no page makes the reader throw", () => {
  const tag = fc.constantFrom(
    "<form>",
    "</form>",
    "<a href=x>",
    "<textarea name=b>",
    "<div class=alert-danger>",
    "<br>",
  );
  const part = fc.oneof(tag, fc.string());
  fc.assert(fc.property(fc.array(part), (parts) => void readPage(`<form><input name=a>${parts.join("")}`)));
});

test("a page with very many inputs is read, and a name such as __proto__ is only a name", () => {
  const names = [...Array(20_000).keys()].map((number) => `n${number}`);
  const inputs = [...names, "__proto__", "constructor"].map((name) => `<input name="${name}" value="v">`).join("");
  const [form] = readPage(`<form method="post">${inputs}</form>`).forms;
  assert.equal(Object.keys(form?.fields ?? {}).length, names.length + 2);
  assert.equal(Object.getPrototypeOf(form?.fields), Object.prototype);
});
