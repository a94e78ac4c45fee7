import { array, fallback, object, optional, string } from "valibot";
import { Failure } from "../errors.ts";
import { readJson } from "../values/json.ts";

const TEXT = fallback(optional(string()), undefined);
const TEXTS = fallback(array(string()), []);
/** What `docker info --format "{{json .}}"` prints, whatever program answers to that name. */
const INFO = object({
  // Docker Engine's, and what Podman's service puts there (its pkg/api/handlers/compat/info.go).
  ServerVersion: TEXT,
  ProductLicense: TEXT,
  IndexServerAddress: TEXT,
  DockerRootDir: TEXT,
  SecurityOptions: TEXTS,
  // nerdctl's own, beside Docker's (its pkg/inspecttypes/dockercompat/info.go).
  Plugins: fallback(object({ Storage: fallback(optional(array(string())), undefined) }), { Storage: undefined }),
  // Podman's, where it is called docker (its libpod/define/info.go).
  host: fallback(optional(object({ buildahVersion: string() })), undefined),
  version: fallback(optional(object({ Version: string() })), undefined),
});

/** An engine other than a Docker Engine that runs as root: its networks, mounts or cgroups are not what the nodes need. */
export function refuseOtherEngine(info: string): Failure | undefined {
  const { ServerVersion = "", SecurityOptions, ...rest } = readJson(INFO, info);
  if (rest.host !== undefined) return refusePodman(rest.version?.Version ?? "");
  if (rest.ProductLicense === "Apache-2.0" && rest.IndexServerAddress === "") return refusePodman(ServerVersion);
  if (rest.Plugins.Storage !== undefined && rest.DockerRootDir === undefined) return refuseNerdctl(ServerVersion);
  if (!SecurityOptions.includes("name=rootless")) return undefined;
  return new Failure(
    `runs without root (rootless ${ServerVersion}): nodes get neither all cgroups nor the host's network settings there`,
    { fix: "use the Docker Engine that root runs (docker context use default, and no DOCKER_HOST)" },
  );
}

/** The same from the words of a program that answers to docker's name and failed. */
export function refuseOtherProgram(words: string): Failure | undefined {
  if (/Emulate Docker CLI using podman/i.test(words)) return refusePodman("");
  // nerdctl's pkg/clientutil and pkg/rootlessutil.
  return /cannot access containerd socket|rootless containerd not running/.test(words) ? refuseNerdctl("") : undefined;
}

function refusePodman(version: string): Failure {
  return new Failure(`is Podman${after(version)}, whose networks and mounts differ from Docker's`, {
    fix: "install Docker Engine in place of podman-docker, and let DOCKER_HOST not name Podman's socket; or use a runner such as ubuntu-latest",
  });
}

function refuseNerdctl(version: string): Failure {
  return new Failure(`is nerdctl with containerd${after(version)}, which does not offer Docker's API`, {
    fix: "install Docker Engine, and let docker be its client and not a link to nerdctl; or use a runner such as ubuntu-latest",
  });
}

function after(version: string): string {
  return version === "" ? "" : ` ${version}`;
}
