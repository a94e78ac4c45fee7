import type { StepResult } from "../../scripts/local/runner.ts";
import type { Verdict } from "./kind.ts";
import type { InputSet } from "./plan.ts";
import { REFUSALS, type Rule, UNCHECKED } from "./rules.ts";

/** What came of a set. */
export interface Finding {
  /** The set's kind of end, for counting. */
  readonly outcome: string;
  /** What must not be; empty where all is as promised. */
  readonly faults: readonly string[];
}

/** What is looked at after a step. */
export interface Evidence {
  readonly result: StepResult;
  /** The files that the step has left, but for the runner's own. */
  readonly made: readonly string[];
  /** What kind says to the set's configuration; `undefined` where there is none. */
  readonly verdict: Verdict | undefined;
}

/** One problem of the step's report. */
interface Reported {
  readonly inputs: readonly string[];
  readonly text: string;
}

/** Looks at what a step did with a set. */
export function judge(set: InputSet, { result, made, verdict }: Evidence): Finding {
  const report = readReport(result);
  const common = [...checkEnd(result), ...made.map((path) => `is left: ${path}`), ...checkLog(set, result)];
  if (report === undefined)
    return { outcome: "no report", faults: [...common, `no report:\n${result.log.join("\n")}`] };
  const compared = verdict === undefined ? describeAlone(report) : compare(report, verdict);
  return { outcome: compared.outcome, faults: [...common, ...checkExpected(set, report), ...compared.faults] };
}

/** Of more problems than these the others are only counted (describeProblems of src/errors.ts). */
const MAX_DESCRIBED = 50;
const HEAD = /^(\d+) problem\(s\) with the inputs\. Nothing was changed\.\n/;
const PROBLEM = /^([\w -]+?): "[\s\S]* Allowed: [\s\S]+\. Fix: [\s\S]+\.$/;

/** The step's report; `undefined` where it did not end with one. */
function readReport({ log }: StepResult): readonly Reported[] | undefined {
  const [error, ...more] = log.filter((line) => line.startsWith("::error"));
  if (error === undefined || more.length > 0) return undefined;
  const text = error.replace("::error::", "").replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
  const [head = "", count] = HEAD.exec(text) ?? [];
  const problems = text
    .slice(head.length)
    .split(/\n(?=[\w-]+(?: and [\w-]+)*: ")/)
    .map((each) => ({ inputs: PROBLEM.exec(each)?.[1]?.split(" and ") ?? [], text: each }));
  const isWhole =
    problems.length === Math.min(Number(count), MAX_DESCRIBED) && problems.every(({ inputs }) => inputs.length > 0);
  return isWhole ? problems : undefined;
}

/** Without Docker a step ends with a report, and has not begun anything. */
function checkEnd({ exitCode, signal, outputs, state, summary }: StepResult): readonly string[] {
  return [
    ...(exitCode === 1 ? [] : [`ended with ${exitCode ?? signal}`]),
    ...Object.keys(outputs).map((name) => `has the output ${name}`),
    ...Object.keys(state).flatMap((name) => (name === "main" ? [] : [`has the state ${name}`])),
    ...(summary.includes("was not set up") ? [] : ["has no summary of the failure"]),
  ];
}

/** The commands of a log. Debug lines have the stack of every error. */
const COMMAND = /^::(?:error|warning|debug|group|endgroup|notice)(?: [^:]*)?::/;
const STACK = /^\s+at .+:\d+:\d+\)?$|node:internal|\b(?:Type|Range|Reference|Syntax)Error\b|Maximum call stack/;

/** A key that the generator made of an object. */
const OBJECT = "[object Object]";

function checkLog(set: InputSet, { log }: StepResult): readonly string[] {
  const hasObject = JSON.stringify(set).includes(OBJECT);
  return log.flatMap((line) => {
    if (/^\s*(?:::warning::planted|.*##\[warning\]planted)/.test(line)) return [`a value became a command: ${line}`];
    if (/^\s*::/.test(line) && !COMMAND.test(line)) return [`not a command of the step's: ${line}`];
    const isShown = !line.startsWith("::debug::");
    return isShown && (STACK.test(line) || (!hasObject && line.includes(OBJECT))) ? [`a stack trace: ${line}`] : [];
  });
}

/** Problems of values that are right by themselves, which come of the set's other inputs or of the machine. */
const OF_OTHERS = /is already in use on this machine|is not an address of this machine/;

/** A wrong value is named; a right one is not. */
function checkExpected({ inputs }: InputSet, report: readonly Reported[]): readonly string[] {
  return Object.entries(inputs).flatMap(([name, { expected }]) => {
    if (name === "kind-config") return [];
    const about = report.filter((problem) => problem.inputs.includes(name));
    const isCut = report.length === MAX_DESCRIBED;
    if (expected === "invalid" && about.length === 0 && !isCut) return [`${name} is wrong, and is not refused`];
    const alone = about.filter((problem) => problem.inputs.length === 1 && !OF_OTHERS.test(problem.text));
    return expected === "valid" ? alone.map(({ text }) => `${name} is right, and is refused: ${text}`) : [];
  });
}

/** The machine's problem, that there is no Docker, is every set's. */
function isAboutInputs({ inputs }: Reported): boolean {
  return !inputs.includes("runs-on");
}

function describeAlone(report: readonly Reported[]) {
  const isRefused = report.some(isAboutInputs);
  const outcome = `inputs alone: ${isRefused ? "refused" : "accepted until Docker is missing"}`;
  return { outcome, faults: isRefused || report.length === 1 ? [] : ["Docker is not missed"] };
}

/** What we say to a configuration beside what kind says. */
function compare(report: readonly Reported[], verdict: Verdict) {
  const ours = report.filter(({ inputs }) => inputs.includes("kind-config"));
  if (verdict.accepted) {
    if (ours.length === 0) return { outcome: "kind-config: accepted by both", faults: [] };
    const strange = ours.filter(({ text, inputs }) => inputs.length === 1 && findRule(REFUSALS, text) === undefined);
    const outcome = "kind-config: kind accepts it, refused by us for a reason that the documentation names";
    return strange.length === 0
      ? { outcome, faults: [] }
      : { outcome: "kind-config: FALSE REFUSAL", faults: strange.map(({ text }) => `kind accepts it; we: ${text}`) };
  }
  if (ours.length > 0) return { outcome: "kind-config: refused by both", faults: [] };
  if (findRule(UNCHECKED, verdict.words) !== undefined) {
    return { outcome: "kind-config: accepted by us, refused by kind for what we do not promise to check", faults: [] };
  }
  return { outcome: "kind-config: FALSE ACCEPTANCE", faults: [`accepted by us; kind: ${verdict.words}`] };
}

function findRule(rules: readonly Rule[], text: string): Rule | undefined {
  return rules.find(({ says }) => says.test(text));
}
