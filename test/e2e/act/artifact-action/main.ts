// A fake of actions/upload-artifact and actions/download-artifact, which act would have to fetch: their inputs as far as
// the project's workflows use them. The transfer is real, by the client that they use as well.
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DefaultArtifactClient } from "@actions/artifact";
import * as core from "@actions/core";

const client = new DefaultArtifactClient();
const path = core.getInput("path", { required: true });
const pattern = core.getInput("pattern");
if (pattern === "") await upload(core.getInput("name", { required: true }));
else await download(pattern);
process.exit();

async function upload(name: string): Promise<void> {
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
  for (const { id, name } of artifacts.filter((artifact) => expression.test(artifact.name))) {
    await client.downloadArtifact(id, { path: join(path, name) });
  }
}
