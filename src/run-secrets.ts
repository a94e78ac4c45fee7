import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JournalState } from "./journal.ts";
import { pullCredentialsPath } from "./pulls/files.ts";
import { parseDockerConfiguration } from "./redaction/environment.ts";
import { hide } from "./runner/mask.ts";
import { accountPasswordPath } from "./torch/stack/secrets.ts";

/** Has what this run made secret kept out of what is logged and collected, before it is removed. */
export async function hideRunSecrets(state: JournalState | undefined, runDirectory: string): Promise<void> {
  const paths = [...secretFiles(runDirectory), ...(state?.credentialFiles ?? []), ...(state?.kubeconfigs ?? [])];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
  const keys = texts.flatMap((text) => [...text.matchAll(/client-key-data:\s*(\S+)/g)].map(([, data = ""]) => data));
  hide(
    ...texts.filter((text) => text.startsWith("-----BEGIN ") || !/[\s:]/.test(text.trim())).map((text) => text.trim()),
    ...texts.flatMap((text) => parseDockerConfiguration(text).passwords),
    ...keys.map((data) => Buffer.from(data, "base64").toString()),
    ...keys,
  );
}

/** The files in a run's folder that open the cluster, the credentials apart. */
export function secretFiles(runDirectory: string): readonly string[] {
  const kubeconfigs = ["kubeconfig", "kind.kubeconfig"].map((name) => join(runDirectory, name));
  return [...kubeconfigs, accountPasswordPath(runDirectory), pullCredentialsPath(runDirectory)];
}
