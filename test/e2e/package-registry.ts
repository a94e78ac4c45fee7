import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zipSync } from "fflate";

/** The programs whose packages a registry has. */
export const TOOLS = ["composer", "npm", "pip"] as const;
type Tool = (typeof TOOLS)[number];

/** What a registry has, and how fast it is. */
export interface RegistryRequest {
  /** Where it listens: `127.0.0.1`, or an address that containers reach. */
  readonly address: string;
  /** How many packages each program installs. */
  readonly packages: Readonly<Record<Tool, number>>;
  /** The size of each package. */
  readonly bytes: number;
  /** Of all downloads together. */
  readonly bytesPerSecond: number;
}

/**
 * As many packages as version 1's dashboard has in its lock files and its parser requires. npm's have 98 MB; npm 11 installed
 * them in 72 s from a real registry, and in 39 s from its cache, on two busy cores: 3 MB/s.
 */
export const VERSION_1 = {
  packages: { composer: 81, npm: 965, pip: 11 },
  bytes: 100_000,
  bytesPerSecond: 3_000_000,
} as const;

/** What the small TORCH-V2's dashboard gets in its environment, to install the packages of a registry. */
export function dashboardVariables({ url }: Pick<PackageRegistry, "url">): Readonly<Record<string, string>> {
  return { PACKAGE_REGISTRY: url };
}

/** A registry of packages for Composer, npm and pip, which counts what is downloaded from it. */
export interface PackageRegistry {
  readonly url: string;
  /** How many packages were downloaded since the last call, of each program. */
  takeDownloads(): Readonly<Record<Tool, number>>;
  close(): Promise<void>;
}

interface Package {
  readonly name: string;
  readonly file: Buffer;
}

const VERSION = "1.0.0";

/**
 * Starts a registry. Under `/<tool>/lock.json` is the list of all its packages, as a lock file has it, for the stand-ins of
 * the small TORCH-V2; under `/npm`, `/pip/simple` and `/composer` is what the real programs ask for.
 */
export async function startPackageRegistry(request: RegistryRequest): Promise<PackageRegistry> {
  const packages = makePackages(request);
  const counts = { composer: 0, npm: 0, pip: 0 };
  const server = createServer((message, response) => {
    void answer(message, response).catch(() => response.destroy());
  });
  let freeAt = 0;
  /** The moment at which so many bytes have gone through, one download after the other. */
  const pass = async (bytes: number) => {
    freeAt = Math.max(freeAt, performance.now()) + (bytes / request.bytesPerSecond) * 1000;
    await sleep(freeAt - performance.now());
  };
  const answer = async ({ url: path = "", headers }: IncomingMessage, response: ServerResponse) => {
    const base = `http://${headers.host ?? ""}`;
    const [, tool, file] = /^\/(composer|npm|pip)\/files\/(.+)$/.exec(path) ?? [];
    const found = packages.find((each) => each.tool === tool && fileName(each) === file);
    if (found === undefined) {
      const metadata = findMetadata(packages, base, path);
      response.statusCode = metadata === undefined ? 404 : 200;
      response.setHeader("content-type", typeof metadata === "string" ? "text/html" : "application/json");
      response.end(typeof metadata === "object" ? JSON.stringify(metadata) : metadata);
      return;
    }
    counts[found.tool] += 1;
    // As the real registries say of a package's file.
    response.setHeader("cache-control", "public, immutable, max-age=31557600");
    response.setHeader("date", new Date().toUTCString());
    response.setHeader("content-type", "application/octet-stream");
    response.setHeader("content-length", found.file.length);
    response.setHeader("etag", `"${createHash("sha256").update(found.file).digest("hex")}"`);
    await pass(found.file.length);
    response.end(found.file);
  };
  server.listen(0, request.address);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the registry has no port");
  return {
    url: `http://${request.address}:${bound.port}`,
    takeDownloads: () => {
      const taken = { ...counts };
      for (const tool of TOOLS) counts[tool] = 0;
      return taken;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type ToolPackage = Package & { readonly tool: Tool };

function makePackages({ packages, bytes }: RegistryRequest): readonly ToolPackage[] {
  return TOOLS.flatMap((tool) =>
    Array.from({ length: packages[tool] }, (_, index) => {
      const name = tool === "composer" ? `torch/part${index}` : `torch-part${index}`;
      return { tool, name, file: MAKE[tool](name, randomBytes(bytes)) };
    }),
  );
}

const MAKE: Readonly<Record<Tool, (name: string, content: Buffer) => Buffer>> = {
  composer: (name, content) =>
    zip({ "composer.json": text(JSON.stringify({ name, version: VERSION })), "content.bin": content }),
  npm: (name, content) =>
    Buffer.from(
      gzipSync(
        packTar([
          { name: "package/package.json", content: text(JSON.stringify({ name, version: VERSION })) },
          { name: "package/content.bin", content },
        ]),
        { level: 0 },
      ),
    ),
  pip: (name, content) => {
    const [module, folder] = [name.replaceAll("-", "_"), `${name.replaceAll("-", "_")}-${VERSION}.dist-info`];
    return zip({
      [`${module}/__init__.py`]: text(""),
      [`${module}/content.bin`]: content,
      [`${folder}/METADATA`]: text(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${VERSION}\n`),
      [`${folder}/WHEEL`]: text("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
      [`${folder}/RECORD`]: text(""),
    });
  },
};

/** A tar archive of small names. */
function packTar(files: readonly { readonly name: string; readonly content: Buffer }[]): Buffer {
  const members = files.flatMap(({ name, content }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    for (const [at, field] of [
      [100, "0000644\0"],
      [108, "0000000\0"],
      [116, "0000000\0"],
      [124, `${content.length.toString(8).padStart(11, "0")}\0`],
      [136, "00000000000\0"],
      [148, "        "],
      [156, "0"],
      [257, "ustar\x0000"],
    ] as const) {
      header.write(field, at);
    }
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}

function zip(files: Readonly<Record<string, Uint8Array>>): Buffer {
  return Buffer.from(zipSync(files, { level: 0 }));
}

function text(content: string): Buffer {
  return Buffer.from(content);
}

function fileName({ tool, name }: ToolPackage): string {
  const flat = name.replaceAll("/", "-");
  if (tool === "npm") return `${flat}-${VERSION}.tgz`;
  return tool === "pip" ? `${flat.replaceAll("-", "_")}-${VERSION}-py3-none-any.whl` : `${flat}-${VERSION}.zip`;
}

/** What is known of a package, as lock files have it. Composer's archives have no checksum there, as on GitHub. */
function describe(each: ToolPackage, base: string) {
  const integrity = `sha512-${createHash("sha512").update(each.file).digest("base64")}`;
  const url = `${base}/${each.tool}/files/${fileName(each)}`;
  return { name: each.name, version: VERSION, url, ...(each.tool === "composer" ? {} : { integrity }) };
}

/** What the registry says of its packages: an object for JSON, a text for a page. */
function findMetadata(packages: readonly ToolPackage[], base: string, path: string): object | string | undefined {
  const [, tool = "", rest = ""] = /^\/(composer|npm|pip)\/(.*)$/.exec(path) ?? [];
  const own = packages.filter((each) => each.tool === tool).map((each) => describe(each, base));
  if (rest === "lock.json") return own;
  if (tool === "composer" && rest === "packages.json") return describeToComposer(own);
  const name = decodeURIComponent(rest).replace(/^simple\/|\/$/g, "");
  const found = own.find((each) => each.name === name);
  if (found === undefined) return undefined;
  if (tool === "npm") return describeToNpm(found);
  return `<!DOCTYPE html><a href="${found.url}">${found.url.replace(/^.*\//, "")}</a>`;
}

type Description = ReturnType<typeof describe>;

function describeToComposer(own: readonly Description[]): object {
  const versions = own.map(({ name, version, url }) => [
    name,
    { [version]: { name, version, dist: { type: "zip", url } } },
  ]);
  return { packages: Object.fromEntries(versions) };
}

function describeToNpm({ name, version, url: tarball, integrity }: Description): object {
  const versions = { [version]: { name, version, dist: { tarball, integrity } } };
  return { name, "dist-tags": { latest: version }, versions };
}
