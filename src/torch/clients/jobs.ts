import { nullish, object, string } from "valibot";
import { type Flowable, PAGE } from "./flowable.ts";
import { lastCause } from "./java.ts";

/** A job that the engine gave up. */
export interface DeadJob {
  readonly processInstanceId: string;
  readonly message: string;
  /** The last cause in its stack trace, if it has one. */
  readonly cause: string | undefined;
}

const DEAD_JOBS = "/management/deadletter-jobs";

const JOB = object({ id: string(), processInstanceId: nullish(string()), exceptionMessage: nullish(string()) });

/** The jobs of some process instances that the engine gave up. @param instanceIds of these instances. */
export async function listDeadJobs(instanceIds: ReadonlySet<string>, flowable: Flowable): Promise<readonly DeadJob[]> {
  const jobs = await flowable.list(JOB, DEAD_JOBS, PAGE);
  const own = jobs.flatMap(({ processInstanceId, ...job }) =>
    processInstanceId != null && instanceIds.has(processInstanceId) ? [{ ...job, processInstanceId }] : [],
  );
  return await Promise.all(
    own.map(async ({ id, processInstanceId, exceptionMessage }) => ({
      processInstanceId,
      message: exceptionMessage ?? "a job failed without a message",
      cause: lastCause(await readStackTrace(id, flowable)),
    })),
  );
}

/** The stack traces of all jobs that the engine gave up. */
export async function readStackTraces(flowable: Flowable): Promise<readonly string[]> {
  const jobs = await flowable.list(JOB, DEAD_JOBS, PAGE);
  return await Promise.all(jobs.map(({ id }) => readStackTrace(id, flowable)));
}

async function readStackTrace(id: string, flowable: Flowable): Promise<string> {
  const { status, bytes } = await flowable.request(`${DEAD_JOBS}/${encodeURIComponent(id)}/exception-stacktrace`);
  return status === 200 ? bytes.toString() : "";
}
