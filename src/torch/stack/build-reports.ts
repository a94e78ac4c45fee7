import type { Log } from "../../runner/log.ts";
import { COMPONENTS, type Component, type ComponentName } from "../components.ts";
import { type BuildReport, describeSteps } from "./build-log.ts";

/** What the images of a boot took from earlier builds, for the log and the summary. */
export class BuildReports {
  readonly #log: Pick<Log, "info">;
  readonly #reports = new Map<ComponentName, BuildReport>();
  readonly #notes = new Set<string>();

  /** @param hint why layers are not kept, where the builder could. */
  constructor(hint: string | undefined, log: Pick<Log, "info">) {
    this.#log = log;
    if (hint !== undefined) this.#note(hint);
  }

  add({ name, title }: Component, report: BuildReport): void {
    this.#reports.set(name, report);
    this.#log.info(`${title}: image built${report.steps === 0 ? "" : `, ${describeSteps(report)}`}`);
    for (const note of report.notes) this.#note(`Images: ${note}`);
  }

  /** A row for each image: what it is, how much of it came from the cache, and what was wrong with the cache. */
  rows(): readonly (readonly [name: string, value: string, note: string])[] {
    return Object.values(COMPONENTS).flatMap(({ name, title }) => {
      const report = this.#reports.get(name);
      if (report === undefined) return [];
      const value = report.steps === 0 ? "built" : describeSteps(report);
      return [[`Image of the ${title}`, value, report.notes.join("; ")] as const];
    });
  }

  /** What is wrong with a cache, is so for every image. */
  #note(text: string): void {
    if (this.#notes.has(text)) return;
    this.#notes.add(text);
    this.#log.info(text);
  }
}
