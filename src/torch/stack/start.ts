import { createProject, startCreated, startProject } from "../../docker/compose.ts";
import { refuseReservedLabels } from "../../docker/labels.ts";
import { pullImage } from "../../docker/pull.ts";
import { describeError, Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { withRunFile } from "../../run-folder.ts";
import { withoutSecrets } from "../../runner/mask.ts";
import type { Component } from "../components.ts";
import type { ComposeModel } from "../compose/model.ts";
import { diagnoseTorch } from "../diagnosis.ts";

const START_SECONDS = 900;

/** What a start works with. */
export interface StartTools {
  readonly exec: Exec;
  readonly debug: (line: string) => void;
  readonly runDirectory: string;
  readonly signal: AbortSignal;
  /** Fills volumes of the containers before they start. */
  readonly fill?: (() => Promise<void>) | undefined;
}

/** Starts a component and its helpers with Compose. @throws Failure with Compose's words. */
export async function startContainers(component: Component, model: ComposeModel, tools: StartTools): Promise<void> {
  const { exec, runDirectory, signal, fill } = tools;
  const onLine = (line: string) => tools.debug(`${component.name}: ${line}`);
  try {
    await checkImages(model, exec, onLine);
    // Its environment may hold secrets of the checkout's compose file.
    const file = { name: "compose.json", text: JSON.stringify(model) };
    await withRunFile(runDirectory, file, async (path) => {
      const project = { file: path, name: `${model.name}`, directory: runDirectory };
      const options = { onLine, timeoutSeconds: START_SECONDS, purpose: `starting the ${component.title}`, signal };
      if (fill === undefined) return await startProject(project, options, exec);
      await createProject(project, options, exec);
      await fill();
      await startCreated(project, options, exec);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw explainStart(component, error);
  }
}

/** Pulls what is not built, and inspects every image before Compose creates a container from it. */
async function checkImages({ services }: ComposeModel, exec: Exec, onLine: (line: string) => void): Promise<void> {
  const named = Object.values(services).flatMap(({ image, pull_policy, platform }) =>
    image === undefined ? [] : [{ image, pulls: pull_policy, platform }],
  );
  for (const { image, pulls, platform } of named) {
    if (pulls === "never" || pulls === "build") continue;
    const options = { again: pulls === "always", ...(platform === undefined ? {} : { platform }) };
    await pullImage(image, exec, onLine, options);
  }
  const images = named.map(({ image }) => image);
  await refuseReservedLabels(images, exec);
}

function explainStart({ name }: Component, error: unknown): Failure {
  const words = withoutSecrets(describeError(error));
  const diagnosis = diagnoseTorch(name, words);
  return new Failure(`${diagnosis === undefined ? "" : `${diagnosis.cause}\n`}${words}`, {
    fix:
      diagnosis?.fix ??
      "check what the compose file asks for; docker compose up in the example's folder shows the same error",
    cause: error,
    retryable: false,
  });
}
