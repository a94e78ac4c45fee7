import { createHash } from "node:crypto";
import { posix } from "node:path";
import { loadIntoContainer, packFolder } from "../../docker/container-files.ts";
import { readImageSettings } from "../../docker/images.ts";
import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { withRunFile } from "../../run-folder.ts";
import type { Log } from "../../runner/log.ts";
import type { Timeline } from "../../timeline.ts";
import type { ComposeModel } from "../compose/model.ts";
import type { KeptArchive } from "./archives.ts";
import { type FoundCaches, findCaches } from "./find.ts";
import { keepCaches } from "./keep.ts";
import { CACHE_MOUNT, offerCaches, type PackageCachePlan, type PackageTool } from "./plan.ts";
import { describeCaches, describeRestored, type PackageReport } from "./words.ts";

/** What the caches are for. */
export interface PackageCacheRequest {
  readonly plan: PackageCachePlan;
  /** The dashboard's. */
  readonly image: string;
  readonly container: string;
  /** What its image is built from. */
  readonly context: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly runDirectory: string;
}

interface CacheTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly timeline: Timeline;
}

const COPY_SECONDS = 300;

/**
 * The caches of the programs that install the dashboard's packages when its container starts. Whatever is wrong with them
 * costs time and a line in the log: nothing here fails a run.
 */
export class PackageCaches {
  readonly #request: PackageCacheRequest;
  readonly #tools: CacheTools;
  readonly #found: Promise<FoundCaches>;
  #offered: readonly PackageTool[] = [];
  #restored: readonly KeptArchive[] = [];
  /** Whether the dashboard was started again without what was restored. */
  #discarded = false;

  /** Looks at what is kept, beside the build of the image. */
  constructor(request: PackageCacheRequest, tools: CacheTools) {
    this.#request = request;
    this.#tools = tools;
    this.#found = findCaches(request.plan.folder, request.context, tools.log);
  }

  /** The dashboard's compose file with a volume for the caches, and what fills that before the container starts. */
  async offer(model: ComposeModel): Promise<{ readonly model: ComposeModel; readonly fill?: () => Promise<void> }> {
    const { labels, image } = this.#request;
    const { archives, lock } = await this.#found;
    const settings = await readImageSettings(image, this.#tools.exec);
    const npm = archives.find(({ tool }) => tool === "npm");
    const sameLock = !this.#discarded && npm?.lock !== undefined && npm.lock === lock;
    const offered = offerCaches(model, settings, { labels, sameLock, another: this.#discarded });
    if (!this.#discarded) for (const note of offered.notes) this.#tools.log.info(note);
    this.#offered = offered.tools;
    if (offered.tools.length === 0) return { model: offered.model };
    const usable = this.#discarded ? [] : archives.filter(({ tool }) => offered.tools.includes(tool));
    const { timeline } = this.#tools;
    return { model: offered.model, fill: () => timeline.measure("Restore package caches", () => this.#fill(usable)) };
  }

  async #fill(archives: readonly KeptArchive[]): Promise<void> {
    const { exec, log, signal } = this.#tools;
    const restored: KeptArchive[] = [];
    await this.#openVolume();
    for (const archive of archives) {
      const purpose = `restoring ${archive.tool}'s package cache`;
      const place = { archive: archive.path, folder: CACHE_MOUNT };
      try {
        const options = { timeoutSeconds: COPY_SECONDS, purpose, signal };
        await loadIntoContainer(this.#request.container, place, options, exec);
        restored.push(archive);
      } catch (error) {
        signal.throwIfAborted();
        log.warning(`${archive.tool}'s package cache is not restored: ${describeError(error)}`);
      }
    }
    this.#restored = restored;
    if (restored.length > 0) log.info(`dashboard: ${describeRestored(restored)}`);
  }

  /** A script may have another user install the packages, and npm fails where it cannot write to its cache. */
  async #openVolume(): Promise<void> {
    const { container, runDirectory } = this.#request;
    const { exec, log, signal } = this.#tools;
    const file = { name: "folder.tar", text: packFolder(posix.basename(CACHE_MOUNT), 0o777) };
    const options = { timeoutSeconds: 60, purpose: "preparing the volume for package caches", signal };
    const folder = posix.dirname(CACHE_MOUNT);
    try {
      await withRunFile(runDirectory, file, (archive) =>
        loadIntoContainer(container, { archive, folder }, options, exec),
      );
    } catch (error) {
      signal.throwIfAborted();
      log.warning(describeError(error));
    }
  }

  /** Waits until the dashboard serves, and has it started again without the restored caches if it does not. */
  async serve(serve: () => Promise<void>, startAgain: () => Promise<void>): Promise<void> {
    try {
      await serve();
    } catch (error) {
      if (this.#restored.length === 0 || this.#tools.signal.aborted || !(error instanceof Failure)) throw error;
      const [reason = ""] = error.message.split("\n");
      this.#tools.log.warning(
        `The dashboard is started again without the restored package caches, which may be broken: ${reason}`,
      );
      this.#discarded = true;
      this.#restored = [];
      await startAgain();
      await serve();
    }
  }

  /** Keeps the caches for the next run, once the dashboard has installed its packages. */
  keep(): Promise<PackageReport> {
    return this.#tools.timeline.measure("Keep package caches", () => this.#keep());
  }

  async #keep(): Promise<PackageReport> {
    const { exec, log, signal } = this.#tools;
    const { container, plan } = this.#request;
    const { folder, lock } = await this.#found;
    const restored = this.#restored;
    const { draft, maxBytes } = plan;
    const request = { container, tools: this.#offered, restored, draft, maxBytes, lock };
    const states =
      folder === undefined
        ? []
        : await keepCaches({ ...request, folder }, { exec, log, signal }).catch((error: unknown) => {
            signal.throwIfAborted();
            log.warning(`The package caches are not kept: ${describeError(error)}`);
            return [];
          });
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const report = describeCaches(restored, states, hash);
    log.info(`dashboard: ${report.text}`);
    return report;
  }
}
