import { join } from "node:path";
import { packDebian } from "./debian-layer.ts";
import { describeImage, type Image, readLayer } from "./image.ts";
import { part } from "./part.ts";
import { type Log, phase } from "./progress.ts";

/** Where Docker looks for `python:3.11-slim-bookworm`. */
export const python = { repository: "library/python", tag: "3.11-slim-bookworm" } as const;

const packages = ["bash", "ca-certificates", "openssl", "python-is-python3", "python3"];

/** The Python of Debian 12, which is 3.11, in place of the one that the official image compiles. */
export async function pythonImage(log: Log): Promise<Image> {
  const make = (folder: string): Promise<void> =>
    phase(log, "python image", "make its file system", () => packDebian(packages, folder));
  const folder = await part({ name: "python-image", ingredients: ["1", ...packages], make }, log);
  return describeImage([await readLayer(join(folder, "layer.tar"))], { Cmd: ["python3"], Env: ["LANG=C.UTF-8"] });
}
