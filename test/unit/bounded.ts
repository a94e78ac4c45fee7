import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** How long a program of a test may take: far longer than it does, and shorter than a hang. */
const LIMIT = 20_000;

/** Runs a module that a test has written in a process of its own, which is ended if it hangs. @returns what it printed. */
export async function runBounded(script: string): Promise<string> {
  // In a terminal the test runner asks for colours, which would be in what it prints.
  const env = { ...process.env, FORCE_COLOR: "0" };
  const options = { timeout: LIMIT, killSignal: "SIGKILL", cwd: import.meta.dirname, env } as const;
  const args = ["--input-type=module-typescript", "--eval", script];
  return (await promisify(execFile)(process.execPath, args, options)).stdout;
}
