import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { downloadTool, find } from "@actions/tool-cache";
import { describeError, Failure } from "../failure.ts";
import { parseChecksum, type ToolName, type ToolSource } from "./sources.ts";

/** A tool to install. */
export interface ToolRequest {
  readonly tool: ToolName;
  readonly version: string;
  /** Node's name for the processor: the tool cache's key. */
  readonly nodeArchitecture: string;
  readonly source: ToolSource;
  /** The catalogue's verified SHA-256, where it holds one. */
  readonly checksum: string | undefined;
}

export interface InstalledTool {
  readonly path: string;
  /** How it came here, for the log and the summary. */
  readonly origin: string;
}

const DOWNLOAD_SECONDS = 600;

/**
 * Brings a tool into the runner's tool cache and says where it lies. What does not match its checksum is never
 * installed.
 * @param downloads a folder of the run's, which goes away with it.
 * @throws Failure where the download or the check fails.
 */
export async function installTool(
  request: ToolRequest,
  downloads: string,
  log: (line: string) => void,
): Promise<InstalledTool> {
  const { tool, version, nodeArchitecture } = request;
  const cached = find(tool, version, nodeArchitecture);
  if (cached !== "") {
    const path = join(cached, tool);
    const actual = await hashFile(path).catch(() => undefined);
    if (actual !== undefined && (request.checksum === undefined || actual === request.checksum)) {
      return { path, origin: "from the tool cache" };
    }
    log(
      `The cached ${tool} ${version} is not there any more or does not match the catalogue's checksum: it is downloaded again.`,
    );
  }

  const [binary, expected] = await Promise.all([
    download(request.source.url, tool, downloads),
    request.checksum ?? downloadChecksum(request, downloads),
  ]);
  const actual = await hashFile(binary);
  if (actual !== expected) {
    await rm(binary, { force: true });
    throw new Failure(`${request.source.url} has the SHA-256 ${actual}, but ${expected} was expected.`, {
      cure: "nothing was installed; if the checksum comes from a catalog file, check that file, else try again and suspect what lies between here and the origin",
    });
  }
  const path = await placeInCache(request, binary);
  return { path, origin: `downloaded from ${request.source.url}, ${describeProof(request)}` };
}

function describeProof({ checksum, source }: ToolRequest): string {
  if (checksum !== undefined) return "SHA-256 as in the catalogue";
  return source.official
    ? "SHA-256 as the origin publishes it"
    : "SHA-256 as the mirror publishes it (that proves the transport only)";
}

async function downloadChecksum({ source, tool, version }: ToolRequest, downloads: string): Promise<string> {
  const path = await download(source.checksumUrl, `${tool}'s checksum`, downloads);
  const text = await readFile(path, "utf8");
  await rm(path, { force: true });
  const file = source.url.slice(source.url.lastIndexOf("/") + 1);
  const checksum = parseChecksum(text, file);
  if (checksum !== undefined) return checksum;
  throw new Failure(`${source.checksumUrl} is not a checksum file of ${file} (${tool} ${version}).`, {
    cure: "look at that address from this machine: a proxy or a sign-in page may answer in its place",
  });
}

/** Downloads to a file of its own; network errors, 408, 429 and 5xx are tried again by the toolkit, three times in all. */
async function download(url: string, what: string, folder: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it was not here within ${DOWNLOAD_SECONDS} s`)),
      DOWNLOAD_SECONDS * 1000,
    );
  });
  try {
    return await Promise.race([downloadTool(url, join(folder, randomUUID())), late]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`Downloading ${what} from ${url} failed: ${reason}`, {
      cure: "run the job again; on a machine without access to that host, set kind-mirror and kubectl-mirror",
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Puts a binary where the toolkit's `find` looks for it. The toolkit's own `cacheFile` empties the folder first and
 * copies after, so a second job on this machine could run half a file; here a finished folder is moved into place.
 */
async function placeInCache({ tool, version, nodeArchitecture }: ToolRequest, binary: string): Promise<string> {
  const root = process.env.RUNNER_TOOL_CACHE;
  if (root === undefined || root === "") throw new Failure("RUNNER_TOOL_CACHE is not set: this is not a runner.");
  const place = join(root, tool, version, nodeArchitecture);
  const draft = `${place}.${randomUUID()}`;
  try {
    await mkdir(draft, { recursive: true });
    await copyFile(binary, join(draft, tool));
    await chmod(join(draft, tool), 0o755);
    await rename(draft, place).catch(async () => {
      // Somebody else's finished folder is there: put our file over its file, in one step.
      await mkdir(place, { recursive: true });
      await rename(join(draft, tool), join(place, tool));
    });
    await writeFile(`${place}.complete`, "");
    return join(place, tool);
  } catch (error) {
    throw new Failure(`${tool} cannot be put into the tool cache: ${describeError(error)}`, {
      cure: `see that ${root} has room and belongs to the runner's user`,
      cause: error,
    });
  } finally {
    await Promise.all([draft, binary].map((path) => rm(path, { recursive: true, force: true })));
  }
}
