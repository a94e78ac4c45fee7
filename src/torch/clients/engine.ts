import { createHash } from "node:crypto";
import { basename } from "node:path";
import { describeError, Failure } from "../../errors.ts";
import { printable } from "../../values/text.ts";
import { readBody } from "./body.ts";

/** Where Flowable's REST API is below the engine's address. */
const SERVICE = "/flowable-rest/service";

/** Flowable's own default account; TORCH's dashboard has it written in, so that it cannot be another. */
const AUTHORIZATION = `Basic ${Buffer.from("rest-admin:test").toString("base64")}`;

const REQUEST_SECONDS = 20;

/** The variable in which TORCH keeps a node. */
export const NODE_INFO = "nodeInfo";
const HISTORY = "/history/historic-process-instances";
const PAGE = { size: "1000" };

/** How deep instances may be nested below the one that a deployment starts: TORCH's own are four deep. */
const MAX_DEPTH = 10;

/** A process instance with its variables, as Flowable's history has it. */
export interface ProcessInstance {
  readonly id: string;
  readonly name: string | null;
  readonly superProcessInstanceId: string | null;
  /** `null` while it runs. */
  readonly endTime: string | null;
  /** Why it ended, where it did not end as modelled: `ERROR_EVENT DUCreateError`. */
  readonly deleteReason: string | null;
  readonly variables: readonly ProcessVariable[];
}

/** A variable: its value as the engine gives it, else (a Java object) where its bytes are. */
export interface ProcessVariable {
  readonly name: string;
  readonly value: unknown;
  readonly valueUrl?: string | null;
}

/** A job that the engine gave up. */
export interface DeadJob {
  readonly processInstanceId: string;
  readonly message: string;
  /** The last cause in its stack trace, where there is one. */
  readonly cause: string | undefined;
}

/** Flowable's REST API, as its default account. */
export interface Engine {
  /** @returns `undefined` once the repository answers, else why not yet. */
  notReadyReason(): Promise<string | undefined>;
  /**
   * Deploys a zip of BPMN plans, unless the same zip is deployed already.
   * @throws Failure with Flowable's words where it refuses the zip.
   */
  deployPlans(
    path: string,
    zip: Uint8Array,
  ): Promise<{ readonly deployed: boolean; readonly processes: readonly string[] }>;
  /** The newest instances that no other instance called, without variables. */
  listTopInstances(): Promise<readonly ProcessInstance[]>;
  /** An instance and all below it, at any depth, with their variables. */
  listInstancesBelow(top: ProcessInstance): Promise<readonly ProcessInstance[]>;
  /** The jobs of these instances that the engine gave up. */
  listDeadJobs(instances: readonly ProcessInstance[]): Promise<readonly DeadJob[]>;
  /** Every process instance with its variables; these hold secrets. */
  readHistory(): Promise<readonly ProcessInstance[]>;
  /** The stack traces of all jobs that the engine gave up. */
  readStackTraces(): Promise<readonly string[]>;
}

/** What the engine answered, read to its end. */
interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
}

interface RawJob {
  readonly id: string;
  readonly processInstanceId: string;
  readonly exceptionMessage: string | null;
}

/** Opens the engine. @param base its address on this machine. */
export function openEngine(base: string, signal: AbortSignal): Engine {
  async function ask(path: string, body?: FormData): Promise<Answer> {
    try {
      const response = await fetch(`${base}${SERVICE}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: AUTHORIZATION },
        // An engine of a checkout's must not choose what main asks for: it could be another service of this machine.
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_SECONDS * 1000)]),
      });
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel();
        const target = printable(response.headers.get("location") ?? "nowhere", 200);
        throw new Error(`status ${response.status}, a redirect to ${target}, which is not followed`);
      }
      return { status: response.status, bytes: await readBody(response) };
    } catch (error) {
      signal.throwIfAborted();
      throw new Failure(`The Flowable engine does not answer ${path}: ${describeFetch(error)}`, { cause: error });
    }
  }

  async function read<T>(path: string, query: Readonly<Record<string, string>>): Promise<readonly T[]> {
    const whole = `${path}?${new URLSearchParams(query)}`;
    const { status, bytes } = await ask(whole);
    const text = bytes.toString();
    if (status !== 200) throw new Failure(`The Flowable engine answers ${whole} with ${explain(status, text)}`);
    const { data }: { readonly data: readonly T[] } = JSON.parse(text);
    return data;
  }

  /** A text that Flowable keeps as a Java object has no value of its own, only bytes to be fetched. */
  async function readVariable(variable: ProcessVariable): Promise<ProcessVariable> {
    const { value, valueUrl } = variable;
    if (value !== null && value !== undefined) return variable;
    const path = valueUrl?.split(SERVICE)[1];
    if (path === undefined) return variable;
    const { status, bytes } = await ask(path);
    return status === 200 ? { ...variable, value: readJavaString(bytes) ?? null } : variable;
  }

  const listDead = (): Promise<readonly RawJob[]> => read("/management/deadletter-jobs", PAGE);
  const readStackTrace = async ({ id }: RawJob): Promise<string> => {
    const { status, bytes } = await ask(`/management/deadletter-jobs/${encodeURIComponent(id)}/exception-stacktrace`);
    return status === 200 ? bytes.toString() : "";
  };

  return {
    async notReadyReason() {
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
        ...PAGE,
      });
      if (definitions.length === 0) {
        throw new Failure(`The Flowable engine took ${path}, but there is no process in it.`, {
          fix: "pack the *.bpmn20.xml files into the zip's root",
        });
      }
      return { deployed: present === undefined, processes: definitions.map((definition) => definition.key) };
    },
    listTopInstances: () => read(HISTORY, { excludeSubprocesses: "true", sort: "startTime", order: "desc", ...PAGE }),
    async listInstancesBelow(top) {
      const found: ProcessInstance[] = [];
      let level = await read<ProcessInstance>(HISTORY, { processInstanceId: top.id, includeProcessVariables: "true" });
      for (let depth = 0; level.length > 0 && depth < MAX_DEPTH; depth += 1) {
        const below = await Promise.all(
          level.map(({ id }) =>
            read<ProcessInstance>(HISTORY, { superProcessInstanceId: id, includeProcessVariables: "true", ...PAGE }),
          ),
        );
        found.push(...level);
        level = below.flat();
      }
      return await Promise.all(
        found.map(async (instance) => ({
          ...instance,
          variables: await Promise.all(
            instance.variables.map((variable) => (variable.name === NODE_INFO ? readVariable(variable) : variable)),
          ),
        })),
      );
    },
    async listDeadJobs(instances) {
      const ids = new Set(instances.map(({ id }) => id));
      const dead = (await listDead()).filter((job) => ids.has(job.processInstanceId));
      return await Promise.all(
        dead.map(async (job) => ({
          processInstanceId: job.processInstanceId,
          message: job.exceptionMessage ?? "a job failed without a message",
          cause: lastCause(await readStackTrace(job)),
        })),
      );
    },
    readHistory: () => read(HISTORY, { includeProcessVariables: "true", ...PAGE }),
    readStackTraces: async () => await Promise.all((await listDead()).map(readStackTrace)),
  };

  async function deploy(path: string, zip: Uint8Array, deploymentName: string): Promise<string> {
    const form = new FormData();
    form.set("archive", new File([Uint8Array.from(zip)], basename(path), { type: "application/zip" }));
    const query = new URLSearchParams({ deploymentName });
    const { status, bytes } = await ask(`/repository/deployments?${query}`, form);
    const text = bytes.toString();
    if (status !== 201) {
      throw new Failure(`The Flowable engine refuses the BPMN plans ${path}: ${explain(status, text)}`, {
        fix: "fix the plan; Flowable does not always name the file. The guide's plans are for Flowable 6.6.0",
        retryable: false,
      });
    }
    const { id }: { readonly id: string } = JSON.parse(text);
    return id;
  }
}

/** The cause that a Java stack trace ends with: the deepest one. */
export function lastCause(trace: string): string | undefined {
  const causes = trace.split(/\r?\n/).filter((line) => /^Caused by: /.test(line));
  return causes.at(-1)?.slice("Caused by: ".length).trim();
}

/** The text in a serialized java.lang.String (Java Object Serialization Specification, section 6.4). */
export function readJavaString(bytes: Buffer): string | undefined {
  if (bytes.length < 7 || bytes.readUInt32BE(0) !== 0xaced0005) return undefined;
  const kind = bytes[4];
  if (kind === 0x74) return bytes.subarray(7, 7 + bytes.readUInt16BE(5)).toString();
  if (kind === 0x7c && bytes.length >= 13) return bytes.subarray(13, 13 + Number(bytes.readBigUInt64BE(5))).toString();
  return undefined;
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
