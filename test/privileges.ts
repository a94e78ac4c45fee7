import { execFileSync } from "node:child_process";

/** A program with its arguments. */
export type Command = readonly [file: string, args: readonly string[]];

const sudo = findSudo();

/** The option `skip` of tests that need root: the reason why they do not run, which `npm test` counts. */
export const WITHOUT_ROOT: false | string = sudo === undefined ? "needs root, or sudo without a password" : false;

/** A command as root: through sudo if this process is not root. */
export function asRoot(file: string, args: readonly string[]): Command {
  const [first, ...rest] = [...(sudo ?? []), file, ...args];
  return [first ?? file, rest];
}

/** A command as a user without any rights, with only these variables. */
export function asNobody(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return asRoot("setpriv", [...user, "env", "--ignore-environment", ...variables, file, ...args]);
}

/** What goes before a command: nothing for root, `undefined` if there is no way to become root. */
function findSudo(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  try {
    execFileSync("sudo", ["--non-interactive", "true"], { stdio: "ignore", timeout: 30_000 });
    return ["sudo", "--non-interactive"];
  } catch {
    return undefined;
  }
}
