import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import semver from "semver";
import { parseReleaseNotes } from "../../../scripts/update-catalog/release-notes.ts";
import { Failure } from "../../../src/errors.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { minorOf } from "../../../src/versions/request.ts";
import { digest } from "../builders.ts";

const NOTES = join(import.meta.dirname, "../../fixtures/kind-releases");

function catalogued(version: string) {
  return builtInCatalog().kind.find((entry) => entry.version === version)?.images ?? assert.fail(`no kind ${version}`);
}

function readNotes(name: string): Promise<string> {
  return readFile(join(NOTES, name), "utf8");
}

/** What is read from some lines: the versions, and the remarks, by whether they need a review. */
function read(...lines: readonly string[]) {
  const { images, remarks } = parseReleaseNotes("0.99.0", lines.join("\n"));
  return {
    images: images.map(({ kubernetes }) => kubernetes),
    review: remarks.filter(({ needsReview }) => needsReview).map(({ text }) => text),
    decided: remarks.filter(({ needsReview }) => !needsReview).map(({ text }) => text),
  };
}

const image = (version: string, start: string) => `kindest/node:v${version}@${digest(start)}`;

/** A correct line, so that everything else in the notes can be left out. */
const RIGHT = `- v1.40.0: \`${image("1.40.0", "40")}\``;

/** Asserts that none of these lines is accepted next to a correct one, each with an expected reason. */
function assertLeftOut(lines: readonly string[], reason: RegExp) {
  const { images, review } = read(RIGHT, ...lines);
  assert.deepEqual(images, ["1.40.0"], lines.join("\n"));
  assert.ok(review.length > 0);
  for (const text of review) assert.match(text, reason);
}

test("stored notes give the images that the catalog has for their release", async () => {
  const files = (await readdir(NOTES)).filter((name) => /^v\d+\.\d+\.\d+\.md$/.test(name));
  assert.equal(files.length, 4);
  for (const name of files) {
    const version = name.slice(1, -".md".length);
    const body = await readNotes(name);
    for (const written of [body, body.replaceAll("\n", "\r\n"), body.replaceAll("\n", "\r")]) {
      assert.deepEqual(parseReleaseNotes(version, written).images, catalogued(version), name);
    }
  }
});

test("the list of v0.20 wins over the wrong tag of its default image in the text", async () => {
  const { remarks } = parseReleaseNotes("0.20.0", await readNotes("v0.20.0.md"));
  assert.equal(remarks.length, 1);
  assert.match(remarks[0]?.text ?? "", /^kind 0\.20\.0: the text names `\S+v1\.27\.2@.*the list `\S+v1\.27\.3@/);
  assert.equal(remarks[0]?.needsReview, false);
});

test("notes without a contradiction give no remark", async () => {
  assert.deepEqual(parseReleaseNotes("0.25.0", await readNotes("v0.25.0.md")).remarks, []);
});

test("the first notes of v0.28 give one image, and three labels that differ from their tags need a review", async () => {
  const { images, remarks } = parseReleaseNotes("0.28.0", await readNotes("v0.28.0-first-edition.md"));
  assert.deepEqual(images, catalogued("0.28.0").slice(0, 1));
  assert.deepEqual(
    remarks.map(({ needsReview, text }) => [
      needsReview,
      /`- (v\S+:) \S+node:(v[\d.]+)@.* has a label/.exec(text)?.slice(1),
    ]),
    [
      [true, ["v1.32.5:", "v1.32.2"]],
      [true, ["v1.31.9:", "v1.31.6"]],
      [true, ["v1.30.13:", "v1.30.10"]],
    ],
  );
});

test("the fixed notes of v0.28 give all four, and the list wins over the text", async () => {
  const { remarks } = parseReleaseNotes("0.28.0", await readNotes("v0.28.0.md"));
  assert.deepEqual(
    remarks.map(({ needsReview }) => needsReview),
    [false],
  );
});

test("an image of another release in the text of v0.33 is left out, and needs a review", async () => {
  const { images, remarks } = parseReleaseNotes("0.33.0", await readNotes("v0.33.0.md"));
  assert.ok(!images.some(({ kubernetes }) => kubernetes === "1.36.1"));
  assert.equal(remarks.length, 1);
  assert.match(remarks[0]?.text ?? "", /v1\.36\.1@.*which the list does not have/);
  assert.equal(remarks[0]?.needsReview, true);
});

test("a listed image is read in every form that notes have had", () => {
  const reference = image("1.31.9", "31");
  const forms = [
    `- 1.31: \`${reference}\``,
    `- v1.31.9: \`${reference}\``,
    ` - 1.31: \`${reference}\` `,
    `* v1.31.9: ${reference}`,
    `1.31:${reference}`,
    `-1.31.9 ${reference}`,
    `1. v1.31.9: ${reference}`,
    `- **v1.31.9**: \`docker.io/${reference}\``,
    `- **v1.31.9:** \`${reference}\` (the default)`,
    `- v1.31.9: ${reference.replace("sha256:", "sha256: ")}`,
    `- v1.31.9: ${reference.replace("@", " @ ")}`,
    `- v1.31.9&colon;&nbsp;${reference.replace("@", "&#64;")}`,
    `- v1.31.9: ${reference.replace("@", "&#x40;&#8203;")}`,
    `- v1.31.9: ${reference.replace(/0+$/, (zeros) => `${zeros.slice(1)}A`)}`,
    `- v1.31.9: <!-- new --> \`${reference}\`\r`,
    `<!--\nold\n-->\n- v1.31.9: \`${reference}\``,
  ];
  for (const form of forms) {
    const { images, remarks } = parseReleaseNotes("0.99.0", form);
    assert.equal(images.length, 1, form);
    assert.match(images[0]?.image ?? "", /^kindest\/node:v1\.31\.9@sha256:31[0-9a-f]{62}$/, form);
    assert.deepEqual(remarks, [], form);
  }
});

test("a line without a full tag@digest of kind's image is left out", () => {
  const reference = image("1.31.9", "31");
  const lines = [
    "- v1.31.9: `kindest/node:v1.31.9`",
    `- v1.31.9: \`${reference.slice(0, -1)}\``,
    `- v1.31.9: \`${reference}0\``,
    `- v1.31.9: \`${reference.slice(0, -1)}g\``,
    `- v1.31.9: \`kindest/node@${digest("31")}\``,
    `- v1.31.9: \`ghcr.io/${reference}\``,
    `- v1.31.9: \`${digest("31")}\``,
  ];
  for (const line of lines) assertLeftOut([line], /does not name an image of kind/);
});

test("a tag that is not a released version of Kubernetes is left out", () => {
  for (const tag of ["v1.31.0-rc.1", "v1.31", "1.31.9", "latest"]) {
    assertLeftOut([`- 1.31: \`kindest/node:${tag}@${digest("31")}\``], /not a released version/);
  }
});

test("neither a label nor its tag is trusted if they differ", () => {
  assertLeftOut([`- 1.31: \`${image("1.30.13", "30")}\``], /has a label that is not/);
  assertLeftOut([`- 1.3: \`${image("1.30.13", "30")}\``], /has a label that is not/);
  assertLeftOut([`- v1.30.12: \`${image("1.30.13", "30")}\``], /has a label that is not/);
});

test("lines that share a tag or a digest but otherwise differ are all left out", () => {
  const line = (label: string, version: string, start: string) => `- ${label}: \`${image(version, start)}\``;
  assertLeftOut([line("1.31", "1.31.9", "a"), line("1.30", "1.30.13", "a")], /contradict each other/);
  assertLeftOut([line("1.31", "1.31.9", "a"), line("1.31", "1.31.8", "a")], /contradict each other/);
  assertLeftOut([line("1.31", "1.31.9", "a"), line("1.31", "1.31.9", "b")], /contradict each other/);
  // One of the two is a copy of the other, and nothing says which tag is right.
  assertLeftOut([line("1.31", "1.30.13", "a"), line("1.30", "1.30.13", "b")], /contradict|has a label/);
  assertLeftOut([line("1.31", "1.30.13", "a"), line("1.30", "1.30.13", "a")], /contradict|has a label/);
});

test("a line that is there twice is read once", () => {
  assert.deepEqual(read(RIGHT, RIGHT), { images: ["1.40.0"], review: [], decided: [] });
});

test("the list decides where the text contradicts it, in the tag or in the digest", () => {
  for (const other of [image("1.39.0", "40"), image("1.40.0", "39")]) {
    const { images, review, decided } = read(`The default is now \`${other}\`.`, RIGHT);
    assert.deepEqual({ images, review }, { images: ["1.40.0"], review: [] });
    assert.equal(decided.length, 1);
    assert.match(decided[0] ?? "", /the list is used$/);
  }
});

test("an image that only the text names is left out, and needs a review", () => {
  const { images, review } = read(`The default is now \`${image("1.41.0", "41")}\`.`, RIGHT);
  assert.deepEqual(images, ["1.40.0"]);
  assert.match(review.join(), /v1\.41\.0.*which the list does not have/);
});

test("an image of another registry in the text is not one of kind's", () => {
  assert.deepEqual(read(`Or \`ghcr.io/${image("1.40.0", "39")}\`.`, RIGHT), {
    images: ["1.40.0"],
    review: [],
    decided: [],
  });
});

test("a mention without a digest, or with a shortened one, is not a contradiction", () => {
  const text = ["kindest/node:v1.41.0, kindest/node:v1.42.0@sha256:...", "kindest/node:v1.40.0@sha256:400000..."];
  assert.deepEqual(read(...text, RIGHT), { images: ["1.40.0"], review: [], decided: [] });
});

test("comments are not read", () => {
  const { images } = read(RIGHT, "<!--", `- v1.41.0: \`${image("1.41.0", "41")}\``, "-->");
  assert.deepEqual(images, ["1.40.0"]);
});

test("Kubernetes before 1.22 is left out without a remark", () => {
  const lines = ["1.22.0", "1.21.14"].map((version) => `- v${version}: \`${image(version, version.slice(2, 4))}\``);
  assert.deepEqual(read(...lines), { images: ["1.22.0"], review: [], decided: [] });
});

test("notes without a usable image are an error that says why", () => {
  const bodies: readonly (readonly [string, RegExp])[] = [
    ["", /kind 0\.99\.0 list no usable node image/],
    ["Images are listed elsewhere from now on.", /no usable/],
    [`The default is \`${image("1.40.0", "40")}\`.`, /which the list does not have/],
    [`- 1.40.0 is the default: \`${image("1.40.0", "40")}\``, /which the list does not have/],
    [`- 1.31: \`${image("1.40.0", "40")}\``, /has a label/],
    [`- 1.21: \`${image("1.21.14", "21")}\``, /no usable/],
  ];
  for (const [body, message] of bodies) {
    assert.throws(
      () => parseReleaseNotes("0.99.0", body),
      (error) => error instanceof Failure && message.test(error.message) && error.fix !== undefined,
      body,
    );
  }
});

test("a quoted line cannot break out of its quotes", () => {
  const { review } = read(RIGHT, "- 1.31: `kindest/node:v1.31.9` @everyone <img src=x> [x](http://x) `` ".repeat(9));
  assert.equal(review.length, 1);
  assert.match(review[0] ?? "", /^kind 0\.99\.0: the line `[^`\n]{1,170}` does not name an image/);
});

const hex = fc
  .array(fc.constantFrom(..."0123456789abcdef"), { minLength: 64, maxLength: 64 })
  .map((parts) => parts.join(""));
const version = fc
  .tuple(fc.integer({ min: 22, max: 60 }), fc.nat({ max: 20 }))
  .map(([minor, patch]) => `1.${minor}.${patch}`);

/** Images that do not contradict each other. */
const listed = fc
  .tuple(fc.uniqueArray(version, { minLength: 1, maxLength: 8 }), fc.uniqueArray(hex, { minLength: 8, maxLength: 8 }))
  .map(([versions, digests]) =>
    versions.map((kubernetes, index) => ({
      kubernetes,
      image: `kindest/node:v${kubernetes}@sha256:${digests[index]}`,
    })),
  );

/** How a line may be written. */
const form = fc.record({
  mark: fc.constantFrom("", "- ", " - ", "* ", "  + ", "3. "),
  minor: fc.boolean(),
  prefix: fc.constantFrom("", "v"),
  colon: fc.constantFrom(":", ": ", " :\t", " "),
  tick: fc.constantFrom("", "`"),
  at: fc.constantFrom("@sha256:", "@sha256: ", "&#64;sha256:", "@&#8203;sha256:"),
});

/** Text that is not a list: anything, and images in sentences. */
const prose = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "",
    "# New features",
    "```",
    "Images pre-built for this release:",
    "- a\n  - b",
    "&amp; &lt;",
    "1.31 is new",
  ),
  fc.tuple(version, hex).map(([tag, sum]) => `The default is now \`kindest/node:v${tag}@sha256:${sum}\`, or 1.30:`),
  fc.tuple(version, hex).map(([tag, sum]) => `\`kindest/node:v${tag}@sha256: ${sum}\``),
);

test("a well-formed list is read whole, whatever text surrounds it", () => {
  const notes = fc.record({
    images: listed,
    forms: fc.array(form, { minLength: 8, maxLength: 8 }),
    texts: fc.array(prose, { minLength: 9, maxLength: 9 }).filter((texts) => !/<!--|-->/.test(texts.join("\n"))),
    end: fc.constantFrom("\n", "\r\n"),
  });
  fc.assert(
    fc.property(notes, ({ images, forms, texts, end }) => {
      const lines = images.flatMap(({ kubernetes, image: reference }, index) => {
        const { mark, minor, prefix, colon, tick, at } = forms[index] ?? assert.fail();
        const label = `${prefix}${minor ? minorOf(kubernetes) : kubernetes}`;
        const written = `${mark}${label}${colon}${tick}${reference.replace("@sha256:", at)}${tick}`;
        return [texts[index] ?? "", written];
      });
      const body = [...lines, texts.at(-1)].join(end);
      assert.deepEqual(
        parseReleaseNotes("0.99.0", body).images,
        images.toSorted((a, b) => semver.rcompare(a.kubernetes, b.kubernetes)),
        body,
      );
    }),
    { numRuns: 1000 },
  );
});

test("no image is invented: each accepted one has a line that nothing contradicts, and each other line has a remark", () => {
  // Few versions and digests, so that lines often contradict each other.
  const tag = fc.constantFrom("1.31.8", "1.31.9", "1.30.13");
  const sum = fc.constantFrom("a", "b", "c").map((start) => start.padEnd(64, "0"));
  const line = fc.record({ label: fc.constantFrom("1.30", "1.31", "1.31.8", "1.31.9"), tag, sum });
  const notes = fc.record({
    lines: fc.array(line, { maxLength: 6 }),
    prose: fc.array(fc.record({ tag, sum }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(notes, ({ lines, prose: mentions }) => {
      const write = (each: { readonly tag: string; readonly sum: string }) =>
        `kindest/node:v${each.tag}@sha256:${each.sum}`;
      const body = [
        ...mentions.map((mention) => `See \`${write(mention)}\`.`),
        RIGHT,
        ...lines.map((each) => `- ${each.label}: \`${write(each)}\``),
      ].join("\n");
      const { images, remarks } = parseReleaseNotes("0.99.0", body);

      const tags = images.map(({ kubernetes }) => kubernetes);
      const sums = images.map((taken) => taken.image.split("@")[1]);
      assert.equal(new Set(tags).size, tags.length);
      assert.equal(new Set(sums).size, sums.length);
      const labelled = (each: (typeof lines)[number]) => each.label === each.tag || each.label === minorOf(each.tag);
      for (const each of lines) {
        const reference = write(each);
        const rivals = lines.filter((other) => other.tag === each.tag || other.sum === each.sum);
        const agreed = rivals.every((other) => write(other) === reference && labelled(other));
        assert.equal(
          images.some((taken) => taken.image === reference),
          agreed,
          body,
        );
        if (!agreed)
          assert.ok(
            remarks.some(({ needsReview, text }) => needsReview && text.includes(`- ${each.label}: ${reference}`)),
          );
      }
      for (const taken of images) {
        const own = taken.kubernetes === "1.40.0" || lines.some((each) => write(each) === taken.image);
        assert.ok(own, `${taken.image} is in no line of\n${body}`);
      }
    }),
    { numRuns: 1000 },
  );
});
