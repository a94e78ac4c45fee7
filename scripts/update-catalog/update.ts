import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeError, Failure } from "../../src/errors.ts";
import { runTasks } from "../../src/tasks.ts";
import type { ToolName } from "../../src/tools/sources.ts";
import { baseUrl } from "../../src/values/addresses.ts";
import { parseCatalog } from "../../src/versions/catalog.ts";
import { comparePinned, type Finding, verifyChecksum } from "./checksums.ts";
import { type Client, createClient } from "./client.ts";
import { extendCatalog } from "./document.ts";
import { findLoadBalancer, loadBalancerSource } from "./load-balancer.ts";
import { findNewestPatch } from "./patches.ts";
import { type NewRelease, type Plan, planPatches, planUpdate, resolveAddition } from "./plan.ts";
import { compareRegistry, DISTRIBUTION } from "./registry.ts";
import { readReleases } from "./releases.ts";
import { quote, type Remark, renderReport } from "./report.ts";

/**
 * Updates the catalog: `node scripts/update-catalog/update.ts [file]` reads kind's releases, their load balancers and the
 * checksums that the catalog lacks, compares those that it has with what is published, writes the file, and prints the
 * text of the pull request. A checksum that the catalog has is never changed.
 */

/** Where the update reads. */
interface Origins {
  readonly api: string;
  readonly raw: string;
  readonly hub: string;
  /** What replaces the tools' own download hosts. */
  readonly downloads: Readonly<Record<ToolName, string | undefined>>;
  readonly token: string | undefined;
}

const CATALOG = join(import.meta.dirname, "../../src/versions/catalog.json");

/** Reads the environment. @throws Failure if one of the variables is not a base URL. */
function readOrigins(environment: NodeJS.ProcessEnv): Origins {
  const base = (name: string): string | undefined => {
    const text = environment[name] ?? "";
    if (text === "") return undefined;
    const parsed = baseUrl(text);
    if ("value" in parsed) return parsed.value;
    const { reason, allowed, fix } = parsed.issue;
    throw new Failure(`${name} ${reason}. Allowed: ${allowed}.`, { fix });
  };
  return {
    api: base("GITHUB_API_URL") ?? "https://api.github.com",
    raw: base("GITHUB_RAW_URL") ?? "https://raw.githubusercontent.com",
    hub: base("DOCKER_HUB_URL") ?? "https://hub.docker.com",
    downloads: { kind: base("KIND_DOWNLOAD_URL"), kubectl: base("KUBECTL_DOWNLOAD_URL") },
    token: environment.GITHUB_TOKEN === "" ? undefined : environment.GITHUB_TOKEN,
  };
}

interface Discoveries {
  readonly plan: Plan;
  /** The plan's releases with their load balancers. */
  readonly releases: readonly NewRelease[];
  readonly findings: readonly Finding[];
  readonly remarks: readonly Remark[];
}

/** Reads everything that an update needs from the network. The first failure ends all of it. */
async function discover(catalogText: string, origins: Origins, log: (line: string) => void): Promise<Discoveries> {
  const catalog = parseCatalog(catalogText);
  return await runTasks(async ({ signal, begin }) => {
    const client = createClient(signal);
    const registry = begin(() => lookAtRegistry(client, origins, catalog.registry));
    const plan = planUpdate(catalog, await readReleases(client, origins, "kubernetes-sigs/kind"));
    const balancers = plan.releases.map(({ version }) => begin(() => findLoadBalancer(client, origins.raw, version)));
    const comparisons = plan.pinned.map((pinned) =>
      begin(() => comparePinned(client, pinned, origins.downloads[pinned.tool])),
    );
    const newest = plan.minors.map((minor) => begin(() => findNewestPatch(client, minor, origins.downloads.kubectl)));
    const gaps = [...plan.gaps, ...planPatches(catalog, plan, await Promise.all(newest))];
    const checks = gaps.map((gap) =>
      begin(async () => {
        const finding = await verifyChecksum(client, gap, origins.downloads[gap.tool]);
        if (finding.checksum !== undefined) log(`verified ${gap.tool} ${gap.version} for linux/${gap.architecture}`);
        return finding;
      }),
    );
    const found = await Promise.all(balancers);
    return {
      plan,
      releases: plan.releases.map((release, index) => {
        const loadBalancer = found[index];
        return loadBalancer === undefined ? release : { ...release, loadBalancer };
      }),
      findings: await Promise.all(checks),
      remarks: [
        ...(await Promise.all([...comparisons, registry])).filter((remark) => remark !== undefined),
        ...plan.releases
          .filter((_, index) => found[index] === undefined)
          .map(({ version }) => describeNoBalancer(version, origins.raw)),
      ],
    };
  });
}

async function lookAtRegistry(client: Client, origins: Origins, image: string | undefined) {
  if (image === undefined) return undefined;
  return await compareRegistry(client, origins.hub, image, await readReleases(client, origins, DISTRIBUTION));
}

function describeNoBalancer(version: string, raw: string): Remark {
  const source = quote(loadBalancerSource(raw, version));
  return {
    needsReview: true,
    text: `kind ${version}: ${source} does not name exactly one load balancer image, so the entry has none`,
  };
}

/** Updates a catalog file. @returns the report. @throws Failure, and leaves the file as it was. */
async function update(path: string, origins: Origins, log: (line: string) => void): Promise<string> {
  const text = await readFile(path, "utf8");
  const { plan, releases, findings, remarks } = await discover(text, origins, log);
  const addition = resolveAddition(releases, findings);
  const extended = extendCatalog(text, addition);
  // A catalog that the Action cannot read must not be proposed.
  parseCatalog(extended);
  if (extended !== text) await replaceFile(path, extended);
  return renderReport(addition, [...plan.remarks, ...remarks, ...addition.remarks]);
}

/** Replaces a file in one step: its readers see the old text or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

if (import.meta.main) {
  try {
    const [path = CATALOG, ...more] = parseArgs({ allowPositionals: true }).positionals;
    if (more.length > 0) throw new Failure("usage: node scripts/update-catalog/update.ts [file]");
    process.stdout.write(await update(path, readOrigins(process.env), console.error));
  } catch (error) {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
