import { spawn } from "node:child_process";

export type Command = {
  readonly in?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
};

/** Runs a program to its end and returns what it printed; a failure carries both streams, since a build's reason may be in either. */
export async function run(program: string, args: readonly string[], how: Command = {}): Promise<string> {
  const child = spawn(program, args, {
    cwd: how.in,
    env: { ...process.env, ...how.env },
    stdio: [how.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  if (how.input !== undefined) child.stdin?.end(how.input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const printed = Buffer.concat(out).toString();
  if (code !== 0) {
    const reason = `${printed}\n${Buffer.concat(err).toString()}`.trim().split("\n").slice(-30).join("\n");
    throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${reason}`);
  }
  return printed;
}

export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return await run(program, args).then(
    () => true,
    () => false,
  );
}
