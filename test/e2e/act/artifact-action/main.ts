// A fake of actions/upload-artifact and actions/download-artifact, which act would have to fetch: their inputs as far as
// the project's workflows use them. The transfer is real, by the client that they use as well.
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DefaultArtifactClient } from "@actions/artifact";
import * as core from "@actions/core";

const client = new DefaultArtifactClient();
const path = core.getInput("path", { required: true });
const name = core.getInput("name");
if (core.getInput("direction") === "upload") await upload();
else await download(core.getInput("pattern") || name);
process.exit();

async function upload(): Promise<void> {
  const folder = (await stat(path)).isDirectory() ? path : dirname(path);
  const files =
    folder === path
      ? (await readdir(path, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [path];
  await client.uploadArtifact(name, files, folder, { retentionDays: Number(core.getInput("retention-days")) });
}

async function download(wanted: string): Promise<void> {
  const expression = new RegExp(`^${wanted.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
  const { artifacts } = await client.listArtifacts({ latest: true });
  for (const artifact of artifacts.filter((each) => expression.test(each.name))) {
    // One that is named lies in the folder itself, those of a pattern in a folder each.
    await client.downloadArtifact(artifact.id, { path: name === "" ? join(path, artifact.name) : path });
  }
}
