import { isDeepStrictEqual } from "node:util";
import type { Problem } from "../errors.ts";
import { inputText } from "../values/environment.ts";
import type { Folders } from "../values/paths.ts";
import { readInputs } from "./inputs.ts";

/** The inputs that are about kind and kubectl, and what only the runner knows. */
const OF_TOOLS: ReadonlySet<string> = new Set([
  "install-only",
  "kubernetes-version",
  "kind-version",
  "kubectl-version",
  "catalog",
  "kind-mirror",
  "kubectl-mirror",
  "job-status",
  "matrix-index",
]);

/** In the names of inputs whose values must not be shown. */
const SECRET = /pass(?:phrase|word)|credentials|secret|token/;

/**
 * The problems of a step that only installs kind and kubectl: inputs about a cluster, which have no effect then, and what
 * else is wrong. The runner passes defaults like values of the user's: an input is set if its absence changes anything.
 */
export function checkInstallOnly(environment: NodeJS.ProcessEnv, folders: Folders): readonly Problem[] {
  const { inputs, problems, declared } = readInputs(environment, folders);
  const isSet = (name: string) => {
    const without = readInputs({ ...environment, [`INPUT_${name.toUpperCase()}`]: "" }, folders);
    return !isDeepStrictEqual([inputs, problems], [without.inputs, without.problems]);
  };
  const unused = [...declared].filter(
    (name) => !OF_TOOLS.has(name) && inputText(environment, name) !== "" && isSet(name),
  );
  const isAbout = (name: string) => (problem: Problem) => problem.input.split(" and ").includes(name);
  return [
    // Whether the value of what must be removed is valid is of no interest; whether it may be shown is.
    ...problems.filter((problem) => !unused.some((name) => isAbout(name)(problem))),
    ...unused.map((name) => {
      const isSecret =
        SECRET.test(name) || problems.some((problem) => isAbout(name)(problem) && problem.value === "***");
      return describeUnused(name, isSecret ? "***" : inputText(environment, name));
    }),
  ];
}

function describeUnused(name: string, value: string): Problem {
  return {
    input: `${name} and install-only`,
    value,
    reason: "has no effect with install-only: true, which creates no cluster",
    allowed: `${[...OF_TOOLS].slice(1, -2).join(", ")} with install-only: true`,
    fix: "remove it, or remove install-only",
  };
}
