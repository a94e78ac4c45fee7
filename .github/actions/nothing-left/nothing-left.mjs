import { spawnSync } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What there is of everything that a run makes, `kind name` each. kind's own network stays for the next cluster. */
function observe() {
  const docker = (...args) => {
    const { status, stdout, stderr } = spawnSync("docker", args, { encoding: "utf8", timeout: 60_000 });
    if (status !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
    return stdout.split("\n").filter((line) => line !== "" && line !== "network kind");
  };
  const temp = process.env.RUNNER_TEMP ?? "";
  const processes = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && hasRun(pid));
  return [
    ...docker("ps", "--all", "--format", "container {{.Names}}"),
    ...docker("volume", "ls", "--format", "volume {{.Name}}"),
    ...docker("network", "ls", "--format", "network {{.Name}}"),
    ...docker("images", "--filter", "reference=kind-torch/*", "--format", "image {{.Repository}}:{{.Tag}}"),
    ...processes.map((pid) => `process ${pid}`),
    ...readdirSync(temp)
      .filter((name) => /^kind-/.test(name))
      .map((name) => `file ${join(temp, name)}`),
  ];
}

/** Whether a process was started by a run: it carries the run's folder in its environment. */
function hasRun(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes("KIND_TORCH_RUN=");
  } catch {
    return false; // It ended meanwhile, or is somebody else's.
  }
}

const before = process.env.STATE_before;
if (before === undefined) {
  appendFileSync(process.env.GITHUB_STATE ?? "", `before=${JSON.stringify(observe())}\n`);
} else {
  const known = JSON.parse(before);
  const left = observe().filter((item) => !known.includes(item));
  const record = process.env.INPUT_RECORD ?? "";
  if (record !== "") writeFileSync(join(record, "left.json"), JSON.stringify(left));
  for (const item of left) console.log(`::error::Left behind: ${item}`);
  if (left.length === 0) console.log("Nothing is left.");
  process.exitCode = left.length === 0 ? 0 : 1;
}
