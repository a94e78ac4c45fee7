import { createHash } from "node:crypto";
import { basename } from "node:path";
import { object, string } from "valibot";
import { Failure } from "../../errors.ts";
import { readJson } from "../../values/json.ts";
import { describeAnswer, type Flowable, PAGE } from "./flowable.ts";

/** The plans that the engine has. */
export interface DeployedPlans {
  /** Whether they were deployed just now; else they were there already. */
  readonly deployed: boolean;
  /** The keys of their processes. */
  readonly processes: readonly string[];
}

const DEPLOYMENTS = "/repository/deployments";
const DEPLOYMENT = object({ id: string() });
const DEFINITION = object({ key: string() });

/**
 * Deploys a zip of BPMN plans, unless the same zip is deployed already.
 * @throws Failure with Flowable's words if it refuses the zip.
 */
export async function deployPlans(path: string, zip: Uint8Array, flowable: Flowable): Promise<DeployedPlans> {
  try {
    return await deployOnce(path, zip, flowable);
  } catch (error) {
    if (!(error instanceof Failure) || error.fix !== undefined) throw error;
    throw new Failure(error.message, { fix: "look at the engine's log in the collected logs", cause: error });
  }
}

async function deployOnce(path: string, zip: Uint8Array, flowable: Flowable): Promise<DeployedPlans> {
  // Flowable 6.6.0 finds a deployment by its name only: a filter by key is ignored, and lists all of them.
  const name = `${basename(path)} sha256:${createHash("sha256").update(zip).digest("hex")}`;
  const [present] = await flowable.list(DEPLOYMENT, DEPLOYMENTS, { name });
  const deploymentId = present?.id ?? (await deploy(path, zip, name, flowable));
  const definitions = await flowable.list(DEFINITION, "/repository/process-definitions", { deploymentId, ...PAGE });
  if (definitions.length === 0) {
    throw new Failure(`The Flowable engine accepted ${path}, but found no process in it.`, {
      fix: "pack the *.bpmn20.xml files into the zip's root",
    });
  }
  return { deployed: present === undefined, processes: definitions.map(({ key }) => key) };
}

async function deploy(path: string, zip: Uint8Array, deploymentName: string, flowable: Flowable): Promise<string> {
  const form = new FormData();
  form.set("archive", new File([Uint8Array.from(zip)], basename(path), { type: "application/zip" }));
  const { status, bytes } = await flowable.request(`${DEPLOYMENTS}?${new URLSearchParams({ deploymentName })}`, form);
  const text = bytes.toString();
  if (status === 201) return readJson(DEPLOYMENT, text).id;
  throw new Failure(`The Flowable engine refuses the BPMN plans ${path}: ${describeAnswer(status, text)}`, {
    fix: "fix the plan; Flowable does not always name the file. The guide's plans are for Flowable 6.6.0",
    retryable: false,
  });
}
