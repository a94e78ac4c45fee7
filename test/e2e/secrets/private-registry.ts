import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createKindNetwork } from "../../../src/docker/kind-network.ts";
import { createExec } from "../../../src/exec.ts";
import { builtInCatalog, parseCatalog } from "../../../src/versions/catalog.ts";
import { eventually, type Machine, sh } from "../harness.ts";

/** The name by which images name it, which the nodes know by a mirror. */
export const PRIVATE_HOST = "private.example";
export const PRIVATE_IMAGE = `${PRIVATE_HOST}/team/app:1`;
const NAME = "puller";

/** A registry in kind's network that asks for a password, with an image. */
export interface PrivateRegistry {
  /** For `registry-mirrors`. */
  readonly mirror: string;
  /** Docker's configuration with a login at it. */
  readonly configuration: string;
  stop(): Promise<void>;
}

/** Starts it. @param folder for its files. @param login a password and its hash by bcrypt. */
export async function startPrivateRegistry(
  machine: Machine,
  folder: string,
  login: { readonly password: string; readonly hash: string },
): Promise<PrivateRegistry> {
  const container = "secrets-private-registry";
  const { catalog } = await machine.inputs(folder);
  const { registry } = catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8"));
  if (registry === undefined) throw new Error("the catalog names no registry");
  await writeFile(join(folder, "htpasswd"), `${NAME}:${login.hash}\n`);
  await createKindNetwork(createExec("tests"));
  await sh("docker", ["rm", "--force", "--volumes", container]).catch(() => "");
  const environment = ["REGISTRY_AUTH=htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM=tests", "OTEL_TRACES_EXPORTER=none"];
  await sh("docker", [
    ...["run", "--detach", `--name=${container}`, "--network=kind", "--publish=127.0.0.1::5000"],
    ...[...environment, "REGISTRY_AUTH_HTPASSWD_PATH=/htpasswd"].map((each) => `--env=${each}`),
    ...[`--volume=${join(folder, "htpasswd")}:/htpasswd:ro`, registry],
  ]);
  const address = (await sh("docker", ["port", container, "5000/tcp"])).split("\n")[0] ?? "";
  const answers = () =>
    fetch(`http://${address}/v2/`).then(
      ({ status }) => status === 401,
      () => false,
    );
  await eventually("the registry asks for a password", answers);
  const auth = Buffer.from(`${NAME}:${login.password}`).toString("base64");
  const client = join(folder, "docker");
  await mkdir(client);
  await writeFile(join(client, "config.json"), JSON.stringify({ auths: { [address]: { auth } } }));
  const image = `${address}/team/app:1`;
  await sh("docker", ["tag", machine.probeImage, image]);
  await sh("docker", ["--config", client, "push", "--quiet", image]);
  await sh("docker", ["image", "rm", image]);
  return {
    mirror: `${PRIVATE_HOST}=http://${container}:5000`,
    configuration: JSON.stringify({ auths: { [PRIVATE_HOST]: { auth } } }),
    stop: async () => {
      await sh("docker", ["rm", "--force", "--volumes", container]);
    },
  };
}
