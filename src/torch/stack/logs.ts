import { listChangedPaths, readContainerFile } from "../../docker/container-files.ts";
import { readContainerLog } from "../../docker/container-logs.ts";
import type { Exec } from "../../exec.ts";

/** One log of a component: that of its container, or a log file in it. */
export interface ComponentLog {
  /** `log`, or the file's path in the container. */
  readonly source: string;
  readonly text: string;
  /** When a file was last written, in milliseconds; the container's own log is always the newest. */
  readonly writtenAt: number;
}

/** The names of text files in which programs keep their logs. */
const LOG_FILE = /(?:[-_.]logs?\.txt|\.log|\.out)$/i;

/** Files of packages, package managers and the system. */
const FOREIGN =
  /\/(?:node_modules|vendor|\.git|\.npm|\.cache|proc|sys)\/|^\/var\/log\/(?:apt|dpkg|alternatives|bootstrap)/;
const MAX_FILES = 30;
const MEBIBYTE = 1024 * 1024;
const MAX_FILE_BYTES = 16 * MEBIBYTE;

/** All of a container's files together. */
const MAX_FILES_BYTES = 64 * MEBIBYTE;

/** Reads the ends of a component's logs, whether it still runs or not. What cannot be read is left out. */
export async function readComponentLogs(container: string, exec: Exec): Promise<readonly ComponentLog[]> {
  const log = await readContainerLog(container, exec).catch(() => "");
  const files = await readLogFiles(container, exec).catch(() => []);
  return [{ source: "log", text: log, writtenAt: Number.POSITIVE_INFINITY }, ...files];
}

/** The log files that a container has written into its own file system. */
async function readLogFiles(container: string, exec: Exec): Promise<readonly ComponentLog[]> {
  const changed = await listChangedPaths(container, `looking for log files in ${container}`, exec);
  const paths = changed.filter((path) => LOG_FILE.test(path) && !FOREIGN.test(path)).slice(0, MAX_FILES);
  const read: ComponentLog[] = [];
  let left = MAX_FILES_BYTES;
  for (const source of paths) {
    const maxBytes = Math.min(MAX_FILE_BYTES, left);
    const file = await readContainerFile(container, source, maxBytes, exec);
    if (file === undefined) continue;
    const { text, writtenAt } =
      file === "too large" ? { text: `larger than ${maxBytes} bytes, not read\n`, writtenAt: 0 } : file;
    read.push({ source, text, writtenAt });
    left -= text.length;
  }
  return read;
}
