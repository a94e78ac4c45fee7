import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseGoConstants } from "../../../testbed/kind-manifests.ts";

test("a sum of literals and earlier constants is read as the Go compiler reads it", () => {
  const source = [
    "package nodeimage",
    "",
    "// const old = `never` + x",
    'const image = "docker.io/kindest/x:v1"',
    "const count = 3",
    "",
    "var images = []string{image}",
    "",
    "const manifest = `",
    'image: ` + image + `   # "quoted"',
    "value: {{ .PodSubnet }}",
    "`",
    "",
  ].join("\n");
  assert.deepEqual(
    [...parseGoConstants(source)],
    [
      ["image", "docker.io/kindest/x:v1"],
      ["manifest", '\nimage: docker.io/kindest/x:v1   # "quoted"\nvalue: {{ .PodSubnet }}\n'],
    ],
  );
});

test("a constant whose parts are not known is left out, not given in half", () => {
  assert.deepEqual([...parseGoConstants("const manifest = `a` + missing + `b`\n")], []);
});

test("every raw text between backticks comes back as it was written", () => {
  fc.assert(
    fc.property(
      fc.string().map((text) => text.replaceAll("`", "")),
      fc.string({ unit: fc.constantFrom(..."abc.:/-+ ") }),
      (raw, image) => {
        const source = `const image = "${image}"\n\nconst manifest = \`${raw}\` + image + \`${raw}\`\n`;
        assert.equal(parseGoConstants(source).get("manifest"), raw + image + raw);
      },
    ),
  );
});
