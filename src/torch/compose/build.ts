import type { Issue } from "../../values/issue.ts";
import { type ComposeBuild, type ComposeService, unescapeDollars } from "./model.ts";
import { describeVariables, isRunnerVariable, isSecretVariable } from "./reserved.ts";
import type { FoundService } from "./service.ts";

/** Whether a helper runs in the component's own image, as a queue or a migration does. */
export function usesImageOf(own: ComposeService, helper: ComposeService): boolean {
  if (helper.build !== undefined) return own.build !== undefined && isSameBuild(own.build, helper.build);
  return helper.image !== undefined && helper.image === own.image;
}

function isSameBuild(a: ComposeBuild, b: ComposeBuild): boolean {
  return a.context === b.context && a.dockerfile === b.dockerfile && a.target === b.target;
}

/** The build options that the run's own build uses. */
const USED_OPTIONS = ["context", "dockerfile", "args", "target"];

/** Those that can be left out of it: a build for one run does without. */
const IGNORED_OPTIONS = ["labels", "tags", "cache_from", "cache_to", "pull", "no_cache"];

/** What of a compose file's `build` sections the run's own build cannot do; `undefined` if nothing is lost. */
export function checkBuilds({ model, service }: FoundService): Issue | undefined {
  const own = model.services[service] ?? {};
  const known = [...USED_OPTIONS, ...IGNORED_OPTIONS];
  const unknown = Object.keys(own.build ?? {}).filter((key) => !known.includes(key));
  const helpers = Object.entries(model.services)
    .filter(([name, helper]) => name !== service && helper.build !== undefined && !usesImageOf(own, helper))
    .map(([name]) => name);
  if (unknown.length === 0 && helpers.length === 0) return undefined;
  return {
    reason:
      unknown.length > 0
        ? `has build options that are not passed on: ${unknown.join(", ")}`
        : `has other services that build an image: ${helpers.join(", ")}`,
    allowed: `one image to build, with ${USED_OPTIONS.join(", ")}`,
    fix: "put what is needed into the Dockerfile, or build the other image in an earlier step and set image to its name",
  };
}

/** What the run's own build takes from a `build` section, with single dollars: buildx does not read it as compose does. */
export function readBuild({ context, dockerfile, target, args = {} }: ComposeBuild) {
  const plain = (text: string | undefined) => (text === undefined ? undefined : unescapeDollars(text));
  return {
    context: plain(context),
    dockerfile: plain(dockerfile),
    target: plain(target),
    args: Object.fromEntries(
      Object.entries(args).map(([name, value]): readonly [string, string | null] => [
        unescapeDollars(name),
        value === null ? null : unescapeDollars(value),
      ]),
    ),
  };
}

/**
 * The values of a build's arguments. One without a value takes the environment's; compose has filled in most of them
 * already. One that the environment does not have is left out.
 */
export function resolveArguments(
  args: Readonly<Record<string, string | null>>,
  environment: NodeJS.ProcessEnv,
): { readonly args: Readonly<Record<string, string>>; readonly issues: readonly Issue[] } {
  const unset = Object.entries(args).flatMap(([name, value]) => (value === null ? [name] : []));
  const reserved = unset.filter(
    (name) => (isRunnerVariable(name) || isSecretVariable(name)) && (environment[name] ?? "") !== "",
  );
  const values = Object.entries(args).flatMap(([name, value]) => {
    const text = value ?? environment[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  // Buildx composes characters in its definitions (`e` and an accent become one character), and so changes the text.
  const decomposed = values.filter((entry) => entry.some((text) => text !== text.normalize("NFC")));
  const issues = decomposed.map(([name]) => ({
    reason: `has the build argument ${name} with decomposed Unicode characters, which buildx would change`,
    allowed: "text in Unicode's composed form (NFC)",
    fix: "write the characters in their composed form, or produce the text in the Dockerfile",
  }));
  return {
    args: Object.fromEntries(values),
    issues: [...describeVariables(reserved.map((name) => ({ name, path: ["build", "args", name] }))), ...issues],
  };
}
