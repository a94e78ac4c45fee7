import { array, exactOptional, type GenericSchema, nullish, number, object, string } from "valibot";
import { Failure } from "../../errors.ts";
import { tryJson } from "../../values/json.ts";

/** A Deployment, Service or Pod: the fields that are looked at. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly PodCondition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** A condition of a Pod. */
export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** The status of a container in a Pod. */
export interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string | null | undefined };
  };
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } };
}

/** A Warning event. */
export interface KubernetesEvent {
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null | undefined;
  readonly eventTime?: string | null | undefined;
}

const TEXT = exactOptional(string());
const NUMBER = exactOptional(number());
/** Kubernetes writes a time that is not set as null (metav1.Time). */
const TIME = nullish(string());

const CONTAINER_STATUSES = exactOptional(
  array(
    object({
      name: string(),
      restartCount: NUMBER,
      state: exactOptional(
        object({
          waiting: exactOptional(object({ reason: TEXT, message: TEXT })),
          running: exactOptional(object({ startedAt: TIME })),
        }),
      ),
      lastState: exactOptional(object({ terminated: exactOptional(object({ reason: TEXT, exitCode: NUMBER })) })),
    }),
  ),
);

const OBJECT = object({
  kind: string(),
  metadata: object({ name: string(), namespace: TEXT, generation: NUMBER }),
  spec: exactOptional(object({ replicas: NUMBER })),
  status: exactOptional(
    object({
      observedGeneration: NUMBER,
      availableReplicas: NUMBER,
      conditions: exactOptional(array(object({ type: string(), status: string(), reason: TEXT, message: TEXT }))),
      containerStatuses: CONTAINER_STATUSES,
      initContainerStatuses: CONTAINER_STATUSES,
    }),
  ),
});

const EVENT = object({
  involvedObject: object({ kind: TEXT, name: TEXT, namespace: TEXT }),
  reason: TEXT,
  message: TEXT,
  lastTimestamp: TIME,
  eventTime: TIME,
});

/** The objects in a list that kubectl printed as JSON. */
export function readObjects(stdout: string): readonly KubernetesObject[] {
  return readItems(OBJECT, stdout);
}

/** The events in a list that kubectl printed as JSON. */
export function readEvents(stdout: string): readonly KubernetesEvent[] {
  return readItems(EVENT, stdout);
}

function readItems<T>(item: GenericSchema<unknown, T>, stdout: string): readonly T[] {
  const list = tryJson(object({ items: array(item) }), stdout);
  if (list === undefined) throw new Failure("kubectl did not print a list of Kubernetes objects.");
  return list.items;
}
