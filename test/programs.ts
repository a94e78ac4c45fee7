import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { part } from "../../bed/part.ts";
import { type Log, phase } from "../../bed/progress.ts";

const execute = promisify(execFile);

const VERSION = "0.2.89";
const COMPILE_SECONDS = 900;

/** The path of nektos/act: compiled once, kept in the bed's cache. */
export async function installAct(log: Log): Promise<string> {
  const make = async (folder: string): Promise<void> => {
    await phase(log, `act ${VERSION}`, "compile", () =>
      execute("go", ["install", "-trimpath", "-ldflags=-s -w", `github.com/nektos/act@v${VERSION}`], {
        env: { ...process.env, GOBIN: folder, GOTOOLCHAIN: "auto", GOWORK: "off", GOFLAGS: "", CGO_ENABLED: "0" },
        timeout: COMPILE_SECONDS * 1000,
        maxBuffer: 64 * 1024 * 1024,
      }),
    );
  };
  return join(await part({ name: `act-${VERSION}`, ingredients: ["1", VERSION], make }, log), "act");
}
