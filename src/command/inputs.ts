import { join, resolve } from "node:path";
import type { Problem } from "../errors.ts";
import { InputReader } from "../inputs/reader.ts";
import type { Parsed } from "../values/issue.ts";
import { type Folders, isWithinFolder, UNPRINTABLE_PATH } from "../values/paths.ts";

/** What is asked for about the command of a reusable workflow's caller. */
export interface CommandInputs {
  /** Where the command's step has written how it ended, and what it printed. */
  readonly folder: string;
  /** Patterns of the files with test results, as absolute paths. */
  readonly results: readonly string[];
  /** Patterns of the files to keep. */
  readonly artifacts: readonly string[];
  readonly artifactName: string;
  readonly retentionDays: number;
  /** Whether the inputs are checked, and nothing else. */
  readonly checkOnly: boolean;
}

/** Reads the inputs of the step that reports on the command, and what is wrong with them. */
export function readCommandInputs(
  environment: NodeJS.ProcessEnv,
  { workspace, temp }: Folders,
): { readonly inputs: CommandInputs; readonly problems: readonly Problem[] } {
  const reader = new InputReader(environment);
  const patterns = (name: string) => reader.list(name, patternWithin(workspace));
  const inputs = {
    folder: join(temp, COMMAND_FOLDER),
    results: patterns("results"),
    artifacts: patterns("artifacts"),
    artifactName: reader.text("artifact-name"),
    retentionDays: Number(reader.text("artifact-retention-days")) || 1,
    checkOnly: reader.flag("check-only", false),
  };
  const unused = reader.flag("has-command", true) ? [] : ["results", "artifacts"].filter((name) => reader.text(name));
  const problems = unused.map((name) => ({
    input: name,
    value: reader.text(name),
    reason: "has no effect without command, whose files it names",
    allowed: "nothing where command is not set",
    fix: "set command, or remove it",
  }));
  return { inputs, problems: [...reader.problems, ...problems] };
}

/** The folder in the runner's temporary folder that the command's step uses; also the mark of the command's processes. */
const COMMAND_FOLDER = "torch-e2e-command";

/** Marks the processes of the command: it holds the folder. */
export const COMMAND_VARIABLE = "TORCH_E2E_COMMAND";

/** A pattern of files in the workspace. */
export function patternWithin(workspace: string) {
  return (text: string): Parsed<string> => {
    if (text.search(/\p{Cc}/u) !== -1) return { issue: UNPRINTABLE_PATH };
    const pattern = resolve(workspace, text);
    if (isWithinFolder(workspace, pattern)) return { value: pattern };
    return {
      issue: {
        reason: "leads out of the workspace",
        allowed: "a path or a pattern such as reports/**/*.xml in the workspace",
        fix: "let the command write its files into the workspace, and write a path inside it",
      },
    };
  };
}
