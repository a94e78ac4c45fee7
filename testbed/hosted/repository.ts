import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../command.ts";

/** Copies a repository as a checkout would have it: the files that git has or would add, as they are now. */
export async function copyTracked(repository: string, folder: string): Promise<void> {
  const options = ["--cached", "--others", "--exclude-standard", "-z"];
  const listed = await run("git", ["-C", repository, "ls-files", ...options]);
  for (const path of new Set(listed.split("\0").filter((name) => name !== ""))) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(repository, path), target, { verbatimSymlinks: true }).catch((error: unknown) => {
      // A removed file whose removal is not committed yet.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    });
  }
}
