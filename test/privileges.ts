import { execFileSync } from "node:child_process";

/** A program with its arguments. */
export type Command = readonly [file: string, args: readonly string[]];

const sudo = findSudo();

/** For tests that need root, as their option `skip`: the reason why they do not run, which `npm test` counts. */
export const WITHOUT_ROOT: false | string = sudo === undefined ? "needs root, or sudo without a password" : false;

/** A command as root runs it: by sudo, where this is not root. */
export function asRoot(file: string, args: readonly string[]): Command {
  const [first, ...rest] = [...(sudo ?? []), file, ...args];
  return [first ?? file, rest];
}

/** A command as a user runs it who has no rights at all, with these variables alone. */
export function asNobody(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return asRoot("setpriv", [...user, "env", "--ignore-environment", ...variables, file, ...args]);
}

/** What comes before a command: nothing as root, `undefined` where there is no way to become root. */
function findSudo(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  try {
    execFileSync("sudo", ["--non-interactive", "true"], { stdio: "ignore", timeout: 30_000 });
    return ["sudo", "--non-interactive"];
  } catch {
    return undefined;
  }
}
