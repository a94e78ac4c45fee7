import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { withoutSecrets } from "../../runner/mask.ts";
import type { Component } from "../components.ts";
import { diagnoseTorch } from "../diagnosis.ts";
import { readWords, tailOf, type Words } from "./words.ts";

/** A component that runs in a container. */
export interface Running {
  readonly component: Component;
  readonly container: string;
}

/** What an explanation is made with. */
export interface Explaining {
  readonly exec: Exec;
}

/** A cause that is known already, and what to do about it. */
export interface KnownCause {
  readonly cause: string;
  readonly fix: string;
}

/** Of each text no more than this is searched and shown. */
const MAX_CHARACTERS = 256 * 1024;

/**
 * What went wrong, its likely cause, and the last that the components concerned said, without secrets.
 * @param concerned the components, the one to blame first.
 */
export async function explainFailure(
  what: string,
  concerned: readonly Running[],
  { exec }: Explaining,
  known?: KnownCause,
): Promise<Failure> {
  const read = await Promise.all(
    concerned.map(async (running) => ({ ...running, words: await readCleanWords(running.container, exec) })),
  );
  const shown = read.map((each) => ({ ...each, lines: tailOf(each.words) }));
  const diagnosis =
    known === undefined
      ? shown
          .flatMap(({ component, lines }) => [
            diagnoseTorch(component.name, what),
            diagnoseTorch(component.name, lines.filter((line) => !/liqoctl/.test(line)).join("\n")),
          ])
          .find((found) => found !== undefined)
      : undefined;
  const cause = known?.cause ?? (diagnosis === undefined ? undefined : `Likely cause: ${diagnosis.cause}`);
  return new Failure(
    [
      cutText(withoutSecrets(what)),
      ...(cause === undefined ? [] : [cause]),
      ...shown.flatMap(({ component, container, lines }) => {
        if (lines.length === 0) return [];
        return [`Last lines of the ${component.title} (container ${container}):`, ...lines.map((line) => `  ${line}`)];
      }),
    ].join("\n"),
    {
      fix: known?.fix ?? diagnosis?.fix ?? "look at the logs of TORCH-V2, which post collects",
      retryable: false,
    },
  );
}

const MAX_WHAT = 3000;

function cutText(text: string): string {
  return text.length <= MAX_WHAT ? text : `${text.slice(0, MAX_WHAT)} ...`;
}

/** Secrets go before lines are chosen: a line of a key is not known for one without the others. */
async function readCleanWords(container: string, exec: Exec): Promise<readonly Words[]> {
  const words = await readWords(container, exec);
  return words.map((each) => ({ ...each, text: withoutSecrets(each.text.slice(-MAX_CHARACTERS)) }));
}
