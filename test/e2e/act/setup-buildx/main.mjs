// As the real one: a builder of the docker-container driver, in use from then on, which post removes.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const setup = join(import.meta.dirname, "setup.json");
if (existsSync(setup)) {
  const { plugins, options } = JSON.parse(readFileSync(setup, "utf8"));
  const folder = join(process.env.HOME, ".docker");
  mkdirSync(folder, { recursive: true });
  if (plugins !== "" && !existsSync(join(folder, "cli-plugins"))) symlinkSync(plugins, join(folder, "cli-plugins"));
  const name = `builder-${randomUUID()}`;
  appendFileSync(process.env.GITHUB_STATE, `builder=${name}\n`);
  execFileSync("docker", ["buildx", "create", "--use", "--bootstrap", `--name=${name}`, ...options], {
    stdio: "inherit",
  });
} else {
  // As the real one fails where BuildKit's image cannot be pulled.
  console.log("No builder of its own can be started here.");
  process.exitCode = 1;
}
