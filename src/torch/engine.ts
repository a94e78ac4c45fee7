import { createHash } from "node:crypto";
import { basename } from "node:path";
import { describeError, Failure } from "../failure.ts";

/** Where Flowable's REST API is below the engine's address. */
const SERVICE = "/flowable-rest/service";

/** Flowable's own default account; TORCH's dashboard has it written in, so that it cannot be another. */
const AUTHORIZATION = `Basic ${Buffer.from("rest-admin:test").toString("base64")}`;

const REQUEST_SECONDS = 60;

/** A process instance with its variables, as Flowable's history has it. */
export interface ProcessInstance {
  readonly id: string;
  readonly name: string | null;
  readonly superProcessInstanceId: string | null;
  readonly variables: readonly { readonly name: string; readonly value: unknown }[];
}

/** Flowable's REST API, as its default account. */
export interface Engine {
  /** @returns `undefined` once the repository answers, else why not yet. */
  findSilence(): Promise<string | undefined>;
  /**
   * Deploys a zip of BPMN plans, unless the same zip is deployed already.
   * @throws Failure with Flowable's words where it refuses the zip.
   */
  deployPlans(
    path: string,
    zip: Uint8Array,
  ): Promise<{ readonly deployed: boolean; readonly processes: readonly string[] }>;
  /** The newest instances that no other instance called. */
  listTopInstances(): Promise<readonly ProcessInstance[]>;
  /** The instances that an instance called, with their variables. */
  listCalledInstances(parent: string): Promise<readonly ProcessInstance[]>;
  /** What a job that the engine gave up said last, where one of these instances has one. */
  findDeadJob(instances: readonly string[]): Promise<string | undefined>;
  /** Every process instance with its variables; these hold secrets. */
  readHistory(): Promise<readonly ProcessInstance[]>;
}

/** What the engine answered, read to its end. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Opens the engine. @param base its address on this machine. */
export function openEngine(base: string, signal: AbortSignal): Engine {
  async function ask(path: string, body?: FormData): Promise<Answer> {
    try {
      const response = await fetch(`${base}${SERVICE}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: AUTHORIZATION, accept: "application/json" },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_SECONDS * 1000)]),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure(`The Flowable engine does not answer ${path}: ${describeFetch(error)}`, { cause: error });
    }
  }

  async function read<T>(path: string, query: Readonly<Record<string, string>>): Promise<readonly T[]> {
    const whole = `${path}?${new URLSearchParams(query)}`;
    const { status, text } = await ask(whole);
    if (status !== 200) throw new Failure(`The Flowable engine answers ${whole} with ${explain(status, text)}`);
    const { data }: { readonly data: readonly T[] } = JSON.parse(text);
    return data;
  }

  return {
    async findSilence() {
      try {
        const { status } = await ask("/repository/deployments?size=1");
        return status === 200 ? undefined : `GET ${SERVICE}/repository/deployments: status ${status}`;
      } catch (error) {
        signal.throwIfAborted();
        return describeError(error);
      }
    },
    async deployPlans(path, zip) {
      // Of what a deployment can be found by, 6.6.0 heeds the name alone: a filter by key gives all there are.
      const name = `${basename(path)} sha256:${createHash("sha256").update(zip).digest("hex")}`;
      const [present] = await read<{ readonly id: string }>("/repository/deployments", { name });
      const id = present?.id ?? (await deploy(path, zip, name));
      const definitions = await read<{ readonly key: string }>("/repository/process-definitions", {
        deploymentId: id,
        size: "1000",
      });
      if (definitions.length === 0) {
        throw new Failure(`The Flowable engine took ${path}, but there is no process in it.`, {
          cure: "pack the *.bpmn20.xml files into the zip's root",
        });
      }
      return { deployed: present === undefined, processes: definitions.map((definition) => definition.key) };
    },
    listTopInstances: () =>
      read("/history/historic-process-instances", {
        excludeSubprocesses: "true",
        sort: "startTime",
        order: "desc",
        size: "1000",
      }),
    listCalledInstances: (parent) =>
      read("/history/historic-process-instances", {
        superProcessInstanceId: parent,
        includeProcessVariables: "true",
        size: "1000",
      }),
    async findDeadJob(instances) {
      const jobs = await read<{ readonly processInstanceId: string; readonly exceptionMessage: string | null }>(
        "/management/deadletter-jobs",
        { size: "1000" },
      );
      const dead = jobs.find((job) => instances.includes(job.processInstanceId));
      return dead === undefined ? undefined : (dead.exceptionMessage ?? "a job failed without a message");
    },
    readHistory: () => read("/history/historic-process-instances", { includeProcessVariables: "true", size: "1000" }),
  };

  async function deploy(path: string, zip: Uint8Array, deploymentName: string): Promise<string> {
    const form = new FormData();
    form.set("archive", new File([Uint8Array.from(zip)], basename(path), { type: "application/zip" }));
    const query = new URLSearchParams({ deploymentName });
    const { status, text } = await ask(`/repository/deployments?${query}`, form);
    if (status !== 201) {
      throw new Failure(`The Flowable engine refuses the BPMN plans ${path}: ${explain(status, text)}`, {
        cure: "mend the plan that it names; the guide's plans are for Flowable 6.6.0",
        final: true,
      });
    }
    const { id }: { readonly id: string } = JSON.parse(text);
    return id;
  }
}

/** Flowable's error, without the page or the trace around it. */
function explain(status: number, text: string): string {
  try {
    const { message, exception }: { readonly message?: string; readonly exception?: string } = JSON.parse(text);
    return `status ${status}: ${[message, exception].filter((part) => part !== undefined).join(": ")}`;
  } catch {
    return `status ${status}: ${text
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, 500)}`;
  }
}

/** Why a request failed: fetch itself says only that it did. */
export function describeFetch(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  if (!(cause instanceof Error)) return describeError(error);
  const code = "code" in cause ? String(cause.code) : "";
  return cause.message === "" ? code : cause.message;
}
