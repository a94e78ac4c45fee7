import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * `node accept-handover.mjs catalog|dist <folder>`, in a checkout: takes over what a job that ran foreign code has made,
 * in the job that may write. That job runs nothing of what it takes. It reads files, never a patch: an exact list of
 * names, regular files alone, no larger than they can sensibly be, and of the catalog only what adds to it. What is
 * written gets its mode here. Then the index is looked at once more. If anything is wrong, nothing is staged and the
 * job fails.
 */

const MAX_DIST_BYTES = 2_500_000;
const MAX_DIST_FILES = 20;
const MAX_CATALOG_BYTES = 500_000;
const MAX_VERSIONS_BYTES = 100_000;
/** GitHub takes 65536 characters for the text of a pull request. */
const MAX_REPORT_BYTES = 60_000;

const CATALOG = "src/versions/catalog.json";
const VERSIONS = "docs/versions.md";
const REPORT = "report.md";

const isDist = (path) => /^dist\/[A-Za-z0-9_]+(-[A-Z0-9]{8})?\.mjs$/.test(path);

const KINDS = {
  catalog: {
    limitOf: (path) =>
      ({ [CATALOG]: MAX_CATALOG_BYTES, [VERSIONS]: MAX_VERSIONS_BYTES, [REPORT]: MAX_REPORT_BYTES })[path] ??
      (isDist(path) ? MAX_DIST_BYTES : undefined),
    required: [CATALOG, VERSIONS, REPORT, "dist/main.mjs", "dist/post.mjs"],
  },
  dist: {
    limitOf: (path) => (isDist(path) ? MAX_DIST_BYTES : undefined),
    required: ["dist/main.mjs", "dist/post.mjs"],
  },
};

function refuse(reason) {
  throw new Error(reason);
}

/** Every file of the hand-over, its content by its path. Nothing in it is followed or trusted. */
function readHandover(folder, { limitOf, required }) {
  const files = new Map();
  for (const path of listFiles(folder, "", required)) {
    const limit = limitOf(path);
    if (limit === undefined) refuse(`${show(path)} is not wanted`);
    files.set(path, readRegular(join(folder, path), path, limit));
    checkDistSize(files);
  }
  for (const path of required) if (!files.has(path)) refuse(`${path} is missing`);
  return files;
}

/** Everything that is not a folder. A folder is looked into only if a required file belongs there. */
function* listFiles(folder, below, required) {
  for (const name of readdirSync(join(folder, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    if (!lstatSync(join(folder, path)).isDirectory()) {
      yield path;
      continue;
    }
    if (!required.some((each) => each.startsWith(`${path}/`))) refuse(`${show(path)} is not wanted`);
    yield* listFiles(folder, path, required);
  }
}

/** Looked at after each file, so that no more is read than may be accepted. */
function checkDistSize(files) {
  const sizes = [...files].filter(([path]) => isDist(path)).map(([, content]) => content.length);
  if (sizes.length > MAX_DIST_FILES) refuse(`dist has more than ${MAX_DIST_FILES} files`);
  if (sizes.reduce((sum, size) => sum + size, 0) > MAX_DIST_BYTES) refuse(`dist has more than ${MAX_DIST_BYTES} bytes`);
}

/** Reads a file that is a file itself, and not more of it than the limit. */
function readRegular(file, path, limit) {
  if (!lstatSync(file).isFile()) refuse(`${show(path)} is not a regular file`);
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) refuse(`${show(path)} is not a regular file`);
    const buffer = Buffer.alloc(limit + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (length > limit) refuse(`${show(path)} has more than ${limit} bytes`);
      if (read === 0) return buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A name of the hand-over as it can be shown: it must not become a command of the runner. */
function show(path) {
  return JSON.stringify(path.slice(0, 200));
}

/** The catalog only grows: entries, and checksums where there were none. What was there stays. */
function checkCatalog(before, after) {
  const next = parseCatalog(after);
  const old = JSON.parse(before);
  for (const name of ["registry", "cloudProvider"]) {
    if (JSON.stringify(next[name]) !== JSON.stringify(old[name])) refuse(`${CATALOG} changes what it had: ${name}`);
  }
  for (const list of ["kind", "kubectl"]) {
    for (const entry of old[list]) checkKept(list, entry, next[list]);
  }
}

function parseCatalog(text) {
  let catalog;
  try {
    catalog = JSON.parse(text);
  } catch {
    refuse(`${CATALOG} is not JSON`);
  }
  checkForm(catalog);
  return catalog;
}

/** One entry of before is there once, with all that it had. */
function checkKept(list, entry, next) {
  const same = next.filter(({ version }) => version === entry.version);
  if (same.length !== 1) refuse(`${CATALOG} has kind or kubectl ${entry.version} ${same.length} times`);
  for (const [key, value] of Object.entries(entry)) {
    if (!isKept(key, value, same[0][key])) refuse(`${CATALOG} changes what it had: ${list} ${entry.version}, ${key}`);
  }
}

function isKept(key, before, after) {
  if (key !== "checksums") return JSON.stringify(before) === JSON.stringify(after);
  return Object.entries(before).every(([platform, sum]) => after?.[platform] === sum);
}

function checkForm(catalog) {
  const wrong = (at) => refuse(`${CATALOG} has not the form of a catalog: ${at}`);
  const record = (value, keys, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) wrong(at);
    for (const key of Object.keys(value)) if (!keys.includes(key)) wrong(`${at} has ${show(key)}`);
    return value;
  };
  const text = (value, pattern, at) => {
    if (typeof value !== "string" || value.length > 300 || !pattern.test(value)) wrong(at);
  };
  const list = (value, at) => (Array.isArray(value) && value.length <= 2000 ? value : wrong(at));
  const checksums = (value, at) => {
    for (const sum of Object.values(record(value ?? {}, ["linux-amd64", "linux-arm64"], at)))
      text(sum, /^[0-9a-f]{64}$/, at);
  };
  const version = /^\d+\.\d+\.\d+$/;
  const image = /^[\w./:@-]+$/;
  record(catalog, ["registry", "cloudProvider", "kind", "kubectl"], "the document");
  if (catalog.registry !== undefined) text(catalog.registry, image, "registry");
  if (catalog.cloudProvider !== undefined) {
    const images = record(catalog.cloudProvider, ["image", "proxy"], "cloudProvider");
    for (const each of Object.values(images)) text(each, image, "cloudProvider");
  }
  for (const [index, entry] of list(catalog.kind, "kind").entries()) {
    const at = `kind[${index}]`;
    record(entry, ["version", "released", "loadBalancer", "images", "checksums"], at);
    text(entry.version, version, `${at}.version`);
    text(entry.released, /^\d{4}-\d\d-\d\d$/, `${at}.released`);
    if (entry.loadBalancer !== undefined) text(entry.loadBalancer, image, `${at}.loadBalancer`);
    for (const each of list(entry.images, `${at}.images`)) {
      record(each, ["kubernetes", "image"], `${at}.images`);
      text(each.kubernetes, version, `${at}.images`);
      text(each.image, image, `${at}.images`);
    }
    checksums(entry.checksums, `${at}.checksums`);
  }
  for (const [index, entry] of list(catalog.kubectl, "kubectl").entries()) {
    record(entry, ["version", "checksums"], `kubectl[${index}]`);
    text(entry.version, version, `kubectl[${index}].version`);
    checksums(entry.checksums, `kubectl[${index}].checksums`);
  }
}

/** The document of versions changes only in its generated table. */
function checkVersions(before, after) {
  const written = (text) =>
    text.replace(
      /<!-- versions: begin, written by scripts\/docs\/tables\.ts -->[\s\S]*?<!-- versions: end -->/,
      "[table]",
    );
  if (written(before) !== written(after)) refuse(`${VERSIONS} changes outside its generated table`);
}

function git(...args) {
  const { status, stdout, stderr } = spawnSync("git", args, { encoding: "utf8" });
  if (status !== 0) refuse(`git ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** A folder of the checkout that is one itself: nothing is written through a link. */
function assertOwnFolder(root, folder) {
  if (realpathSync(join(root, folder)) !== join(root, folder))
    refuse(`${folder} in the checkout is not a folder itself`);
}

function write(root, files) {
  assertOwnFolder(root, ".");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  mkdirSync(join(root, "dist"));
  for (const [path, content] of files) {
    if (path === REPORT) continue;
    assertOwnFolder(root, dirname(path));
    // What is there may be a link, or have another mode.
    rmSync(join(root, path), { force: true });
    writeFileSync(join(root, path), content, { flag: "wx", mode: 0o644 });
  }
}

/** What is staged is what was accepted: no other path, no rename, no mode but a plain file's. */
function checkIndex(kind) {
  const fields = git("diff", "--cached", "--raw", "--no-renames", "-z").split("\0");
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode = "", , , status = ""] = fields[index].split(" ");
    const path = fields[index + 1];
    const wanted = path !== REPORT && kind.limitOf(path) !== undefined;
    const deleted = status === "D" && path.startsWith("dist/");
    if (!deleted && !(wanted && mode === "100644" && /^[AM]$/.test(status))) {
      git("reset", "--quiet");
      refuse(`${show(path)} would be staged as ${status} with mode ${mode}`);
    }
  }
}

try {
  const [name = "", folder = "", ...more] = process.argv.slice(2);
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined || folder === "" || more.length > 0)
    refuse("usage: accept-handover.mjs catalog|dist <folder>");
  const root = realpathSync(process.cwd());
  if (git("status", "--porcelain").trim() !== "") refuse("the checkout is not clean");
  const files = readHandover(folder, kind);
  if (name === "catalog") {
    checkCatalog(readFileSync(join(root, CATALOG), "utf8"), files.get(CATALOG).toString("utf8"));
    checkVersions(readFileSync(join(root, VERSIONS), "utf8"), files.get(VERSIONS).toString("utf8"));
  }
  write(root, files);
  git("add", "--all", "--", ...[...files.keys()].filter((path) => path !== REPORT && !isDist(path)), "dist");
  checkIndex(kind);
  console.log(`Accepted ${files.size} file(s).`);
} catch (error) {
  console.error(`The hand-over is refused, and nothing is taken over: ${error.message}`);
  process.exitCode = 1;
}
