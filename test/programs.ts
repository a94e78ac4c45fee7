import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installGo } from "../testbed/packages.ts";
import { part } from "../testbed/part.ts";
import { type Log, phase } from "../testbed/progress.ts";

const execute = promisify(execFile);

const SECONDS = 900;

/** nektos/act, which runs workflows on this machine. @returns its path. */
export function installAct(log: Log): Promise<string> {
  return installGoProgram("github.com/nektos/act", "0.2.89", log);
}

/** rhysd/actionlint, which checks workflows. @returns its path. */
export function installActionlint(log: Log): Promise<string> {
  return installGoProgram("github.com/rhysd/actionlint/cmd/actionlint", "1.7.12", log);
}

const ZIZMOR = [
  "zizmor==1.32.0",
  // manylinux x86_64, manylinux aarch64
  "--hash=sha256:84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071",
  "--hash=sha256:0cdd38fca6eb34ceb567548548d706332e3535ea66894b9168c048e03207b68c",
].join(" ");

/** zizmor, which finds insecure workflows. @returns its path. */
export async function installZizmor(log: Log): Promise<string> {
  const make = (folder: string) =>
    phase(log, "zizmor", "download", async () => {
      const requirements = join(folder, "requirements.txt");
      await writeFile(requirements, `${ZIZMOR}\n`);
      const options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
      ];
      const args = ["-m", "pip", "install", ...options, `--target=${folder}`, `--requirement=${requirements}`];
      await execute("python3", args, { timeout: SECONDS * 1000 });
    });
  return join(await part({ name: "zizmor", ingredients: ["2", ZIZMOR], make }, log), "bin/zizmor");
}

/** A Go program: compiled once, kept in the test environment's cache. */
async function installGoProgram(program: string, version: string, log: Log): Promise<string> {
  const name = program.slice(program.lastIndexOf("/") + 1);
  const make = (folder: string) =>
    phase(log, `${name} ${version}`, "compile", async () => {
      await installGo(log);
      await execute("go", ["install", "-trimpath", "-ldflags=-s -w", `${program}@v${version}`], {
        env: { ...process.env, GOBIN: folder, GOTOOLCHAIN: "auto", GOWORK: "off", GOFLAGS: "", CGO_ENABLED: "0" },
        timeout: SECONDS * 1000,
        maxBuffer: 64 * 1024 * 1024,
      });
    });
  return join(await part({ name: `${name}-${version}`, ingredients: ["1", version], make }, log), name);
}
