/*
 * Prints every process that is on this machine, as JSON: its command line and its environment. Started by watch.ts, as root,
 * so that it sees what belongs to others. It looks at all of them again and again, and prints what has changed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MILLISECONDS = 60;
const known = new Map<string, string>();

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function look(): void {
  const here = new Set<string>();
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    here.add(pid);
    const command = read(pid, "cmdline");
    if (command === "" || known.get(pid) === command) continue;
    known.set(pid, command);
    console.log(JSON.stringify({ command, environment: read(pid, "environ") }));
  }
  for (const pid of known.keys()) if (!here.has(pid)) known.delete(pid);
}

// What belongs to root cannot be ended by everyone: it ends with its standard input, at the latest when the test does.
process.stdin.resume().on("end", () => process.exit());
for (;;) {
  look();
  await sleep(PAUSE_MILLISECONDS);
}
