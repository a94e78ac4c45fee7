import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../command.ts";

/** Copies a repository as a checkout would have it: what git has or would add, as it is now. */
export async function copyTracked(repository: string, folder: string): Promise<void> {
  const options = ["--cached", "--others", "--exclude-standard", "-z"];
  const listed = await run("git", ["-C", repository, "ls-files", ...options]);
  for (const path of new Set(listed.split("\0").filter((name) => name !== ""))) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(repository, path), target, { verbatimSymlinks: true }).catch((error: unknown) => {
      // A file that is removed, and not yet committed so.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    });
  }
}
