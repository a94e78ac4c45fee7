import { glob, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { describeError, describeProblem, Failure, type Problem } from "../../errors.ts";
import { CommandError, type Exec } from "../../exec.ts";
import { findPortsInUse, type HostPort } from "../../host/ports.ts";
import { findDirectoryComplaint } from "../../inputs/files.ts";
import type { Folders } from "../../inputs/inputs.ts";
import { readBounded, resolveAhead, SizeError } from "../../inputs/places.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import { YAML_LIMITS } from "../../values/yaml.ts";
import { COMPONENTS, type PerComponent } from "../components.ts";
import { checkCredentialsPlace, checkHostAccess, findHostPlaces, listHostAccess } from "../compose/mounts.ts";
import { listPublishedPorts } from "../compose/plan.ts";
import type { TorchPlan } from "../plan.ts";
import { type Builder, findBuilder } from "../stack/images.ts";
import {
  type ClusterAccess,
  type Csar,
  chooseCluster,
  MAX_CSAR_FILE_BYTES,
  maxCsarBytes,
  pointCsar,
  readCsar,
  readTypes,
} from "../template/csar.ts";
import { readPlans } from "./plans.ts";
import { type Checkout, readCheckout } from "./read.ts";

/** A checkout with the bytes that were checked of it: once its containers run, they may change its files. */
export interface CheckedCheckout extends Checkout {
  /** The zip of BPMN plans. */
  readonly planBytes: Buffer;
}

/** What a boot is made from, read and checked. */
export interface TorchSources {
  readonly checkout: CheckedCheckout;
  /** The template to deploy, and its node that is the run's cluster. */
  readonly template: { readonly csar: Csar; readonly node: string } | undefined;
  readonly builder: Builder;
  /** What is not wrong, and a reader of the log should know. */
  readonly warnings: readonly string[];
}

/** What the sources are checked against. */
export interface SourcesRequest {
  readonly plan: TorchPlan;
  readonly cluster: string;
  readonly workspace: string;
  /** Where the template's Cluster node will be pointed; an address that is not known yet at its longest. */
  readonly access: ClusterAccess;
  readonly credentialsDirectory: string;
  /** Whether what is left of an older cluster of this name, and of its TORCH-V2, goes first: it may hold the very ports and names. */
  readonly replaces: boolean;
  /** The host ports that the cluster itself publishes. */
  readonly clusterPorts: readonly HostPort[];
  readonly environment: NodeJS.ProcessEnv;
}

/** Reads the checkout and the template, and says all that is wrong with them and with their places on this machine. */
export async function readSources(
  request: SourcesRequest,
  exec: Exec,
): Promise<{ readonly sources: TorchSources } | { readonly problems: readonly Problem[] }> {
  const { plan, replaces } = request;
  const [builder, read, template] = await Promise.all([
    findBuilder(request.environment, exec),
    readCheckout(plan.root, plan.layout, exec),
    plan.csar === undefined ? undefined : loadTemplate(plan.csar, plan.root, request),
  ]);
  const problems: Problem[] = [];
  const warnings: string[] = [];
  let planBytes: Buffer | undefined;
  if ("input" in builder) problems.push(builder);
  if ("problems" in read) problems.push(...read.problems);
  else {
    const plans = await readPlans(read.checkout.plans);
    if ("problems" in plans) problems.push(...plans.problems);
    else planBytes = plans.bytes;
    const places = await checkPlaces(read.checkout, request);
    problems.push(...places.problems);
    warnings.push(...places.warnings);
    problems.push(...checkSharedPorts(read.checkout, request.clusterPorts));
    if (!replaces) problems.push(...(await checkPorts(read.checkout)), ...(await checkNames(plan.containers, exec)));
  }
  if (template !== undefined && "problem" in template) problems.push(template.problem);
  const refused = template !== undefined && "problem" in template;
  if (problems.length > 0 || "input" in builder || "problems" in read || refused || planBytes === undefined) {
    return { problems };
  }
  return { sources: { checkout: { ...read.checkout, planBytes }, template, builder, warnings } };
}

/** Reads the template: from the workspace, or from the checkout, which may be elsewhere. */
async function loadTemplate(
  path: string,
  root: string,
  { workspace, cluster, access }: SourcesRequest,
): Promise<{ readonly csar: Csar; readonly node: string } | { readonly problem: Problem }> {
  const places = [...new Set([resolve(workspace, path), ...(isAbsolute(path) ? [] : [resolve(root, path)])])];
  const refuse = (value: string, reason: string, fix: string) => ({
    problem: {
      input: "torch-csar",
      value,
      reason,
      allowed: "a CSAR (zip) or a file of TOSCA YAML in the workspace or in TORCH-V2's checkout",
      fix,
    },
  });
  for (const place of places) {
    let bytes: Buffer;
    try {
      const [real, ...roots] = await Promise.all([place, workspace, root].map((folder) => realpath(folder)));
      if (!roots.some((folder) => isWithinFolder(folder, real ?? ""))) {
        return refuse(path, "is a link that leads out of the workspace", "copy the file into the workspace");
      }
      bytes = await readBounded(place, MAX_CSAR_FILE_BYTES);
    } catch (error) {
      if (error instanceof SizeError) {
        const fix = "leave out of the archive what the template does not need";
        return refuse(path, `is larger than ${error.maxBytes} bytes`, fix);
      }
      if (error instanceof Error && "code" in error && error.code === "ENOENT") continue;
      return refuse(path, `cannot be read: ${describeError(error)}`, "name a file that can be read");
    }
    const own = readCsar(place, bytes);
    // A type of a node may be one of TORCH-V2's own.
    const read = "problem" in own ? readCsar(place, bytes, await readOwnTypes(root)) : own;
    if ("problem" in read) return read;
    const node = chooseCluster(read.csar, cluster);
    if (node !== undefined) {
      const trouble = tryPointing(read.csar, node, access);
      return trouble === undefined ? { csar: read.csar, node } : refuse(path, trouble.reason, trouble.fix);
    }
    const { clusters, entry } = read.csar;
    return refuse(
      path,
      `has several Cluster nodes in ${printable(entry)} (${clusters.join(", ")}), and none has the name of this cluster, ${cluster}`,
      `set cluster-name to the one that this cluster is to be: ${clusters.join(" or ")}`,
    );
  }
  return refuse(path, `is not there: looked for ${places.join(" and ")}`, "check the path, and torch-ref");
}

const MAX_TYPE_FILES = 300;

/** The node types that a checkout's dashboard defines for its parser. */
async function readOwnTypes(root: string): Promise<ReadonlyMap<string, string>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const exclude = (name: string) => /(?:^|\/)(?:node_modules|vendor|tests?|\.git)$/.test(name);
  const realRoot = await realpath(root);
  for await (const path of glob("dashboard/**/*.{yaml,yml}", { cwd: root, exclude })) {
    // One that leads out of the checkout, or is larger than what is read, defines nothing here.
    const within = await realpath(join(root, path)).then(
      (real) => isWithinFolder(realRoot, real),
      () => false,
    );
    const bytes = within
      ? await readBounded(join(root, path), YAML_LIMITS.bytes).catch(() => Buffer.alloc(0))
      : Buffer.alloc(0);
    if (bytes.includes("torch.nodes.")) files[path] = Uint8Array.from(bytes);
    if (Object.keys(files).length === MAX_TYPE_FILES) break;
  }
  return readTypes(files);
}

/** Why the template could not be sent later on, when everything else is there. */
function tryPointing(csar: Csar, node: string, access: ClusterAccess) {
  let size: number;
  try {
    size = pointCsar(csar, node, access).bytes.length;
  } catch (error) {
    return {
      reason: `has a Cluster node ${node} whose properties cannot be set: ${describeError(error)}`,
      fix: "give the node its properties as a plain map, as in TORCH-V2's examples",
    };
  }
  const limit = maxCsarBytes(csar.template);
  if (csar.kind === "yaml" || size <= limit) return undefined;
  return {
    reason: `is too large for the dashboard: ${size} bytes with this cluster's endpoint in it, of at most ${limit}`,
    fix: "leave out of the archive what the template does not need, or give the template as one file of TOSCA YAML, which has no such limit",
  };
}

/**
 * What the compose files ask of this machine, and where the credentials are to be: a build context would carry the key
 * into an image, perhaps into a layer, and a mount into a container.
 */
async function checkPlaces(checkout: Checkout, request: SourcesRequest) {
  const places = await findHostPlaces(request.environment, [checkout.root, request.workspace]);
  const access = await checkHostAccess(listHostAccess(checkout), places);
  const misplaced = await checkCredentialsDirectory(checkout, request, access.mounts);
  return { problems: [...access.problems, ...misplaced], warnings: access.warnings };
}

/**
 * Whether the credentials would be carried out of their directory. The directory need not be there yet; once it is, it is
 * looked at again, for a link may lead elsewhere by then.
 */
export async function checkCredentialsDirectory(
  checkout: Checkout,
  { credentialsDirectory, access }: Pick<SourcesRequest, "credentialsDirectory" | "access">,
  known?: Awaited<ReturnType<typeof checkHostAccess>>["mounts"],
): Promise<readonly Problem[]> {
  const refuse = (found: Omit<Problem, "input" | "value">): Problem => ({
    input: "credentials-directory",
    value: credentialsDirectory,
    ...found,
  });
  const contexts = await Promise.all(
    Object.values(COMPONENTS).map(async ({ name, title }) => ({
      title,
      path: (await resolveAhead(checkout.components[name].build.context)).real,
    })),
  );
  const none = { own: [], secret: [], system: [], harmless: [] };
  const mounts = known ?? (await checkHostAccess(listHostAccess(checkout), none)).mounts;
  const files = [access.ca, access.certificate, access.privateKey];
  try {
    return checkCredentialsPlace(await resolveAhead(credentialsDirectory), contexts, mounts, files).map(refuse);
  } catch {
    // A directory that leads nowhere is said where the inputs' files are read.
    return [];
  }
}

/**
 * Looks at the credentials' directory once more, directly before they are written.
 * @param torch the checkout that is booted beside it, where there is one.
 * @param folder the folder that is written to, held open: its real path.
 * @throws Failure where it is, by now, where the credentials must not be.
 */
export async function recheckCredentialsDirectory(
  directory: string,
  folder: string,
  folders: Folders,
  torch: { readonly checkout: Checkout; readonly access: ClusterAccess } | undefined,
): Promise<void> {
  const issue = await findDirectoryComplaint(directory, folders);
  const { real } = await resolveAhead(directory);
  const request = torch === undefined ? undefined : { credentialsDirectory: directory, access: torch.access };
  const problems = [
    ...(issue === undefined ? [] : [{ input: "credentials-directory", value: directory, ...issue }]),
    ...(torch === undefined || request === undefined ? [] : await checkCredentialsDirectory(torch.checkout, request)),
  ];
  if (problems.length === 0 && real === folder) return;
  const reasons =
    problems.map(describeProblem).join("\n") ||
    `credentials-directory: ${directory} leads to ${real} by now, not to ${folder}`;
  throw new Failure(`The credentials were not written: their directory is another one than at the start.\n${reasons}`, {
    fix: "find out what changes that folder while the step runs, or leave credentials-directory out",
    retryable: false,
  });
}

/** A port that two of the components, or the cluster and a component, want for themselves. */
function checkSharedPorts({ root, components }: Checkout, clusterPorts: readonly HostPort[]): readonly Problem[] {
  const users = Object.values(COMPONENTS).flatMap(({ name }) =>
    listPublishedPorts(components[name]).map((port) => ({
      port,
      source: relative(root, components[name].composeFile),
    })),
  );
  const ofCluster = clusterPorts.filter(({ protocol }) => protocol === "tcp");
  const all = [...ofCluster.map(({ port, source }) => ({ port, source: `kind-config: ${source}` })), ...users];
  return users.flatMap(({ port, source }) => {
    const other = all.find((user) => user.port === port && user.source !== source);
    // Of two that want it, one is told.
    if (other === undefined || (users.some((user) => user === other) && other.source > source)) return [];
    return [
      {
        input: "torch",
        value: `${source}: ${port}`,
        reason: `publishes port ${port}, and so does ${other.source}`,
        allowed: "a host port for each",
        fix: "publish another port in the compose file or in kind-config",
      },
    ];
  });
}

async function checkPorts({ root, components }: Checkout): Promise<readonly Problem[]> {
  const wanted = Object.values(COMPONENTS).flatMap(({ name }) =>
    listPublishedPorts(components[name]).map((port) => ({
      address: "127.0.0.1",
      port,
      protocol: "tcp" as const,
      source: relative(root, components[name].composeFile),
      addressWritten: false,
    })),
  );
  const taken = await findPortsInUse(wanted);
  return taken.map(({ port, source }) => ({
    input: "torch",
    value: `${source}: ${port}`,
    reason: `publishes port ${port}, on which something on this machine listens already`,
    allowed: "ports that are free on 127.0.0.1",
    fix: "end what uses the port in an earlier step, or publish another one in the compose file",
  }));
}

async function checkNames(containers: PerComponent<string>, exec: Exec): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const container of Object.values(containers)) {
    const { stdout } = await exec({
      file: "docker",
      args: ["ps", "--all", "--quiet", `--filter=name=^/?${container}$`],
      timeoutSeconds: 30,
      purpose: `looking for ${container}`,
    }).catch((error: unknown) => {
      // Where Docker does not answer, that is told already.
      if (error instanceof CommandError) return { stdout: "" };
      throw error;
    });
    if (stdout.trim() === "") continue;
    problems.push({
      input: "cluster-name",
      value: container,
      reason: "is the name of a container that exists already, and would be one of TORCH-V2's",
      allowed: "names that are free on this machine",
      fix: `remove that container in an earlier step, or choose another cluster-name`,
    });
  }
  return problems;
}
