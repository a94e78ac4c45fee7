import { execFileSync } from "node:child_process";

const name = process.env.STATE_builder;
if (name !== undefined) execFileSync("docker", ["buildx", "rm", name], { stdio: "inherit" });
