import { join } from "node:path";
import type { EngineSite } from "../docker/site.ts";
import { Failure } from "../errors.ts";
import type { Exec } from "../exec.ts";
import type { Log } from "../runner/log.ts";
import type { Timeline } from "../timeline.ts";
import type { ClusterNode } from "../values/nodes.ts";
import { waitForApiServer } from "./api-server.ts";
import { createCluster, readAdminConf } from "./kind.ts";
import type { Ownership } from "./ownership.ts";
import { watchNodes } from "./watch.ts";

/** A cluster to create. */
export interface CreationRequest {
  /** kind's path. */
  readonly kind: string;
  readonly cluster: string;
  readonly nodes: readonly ClusterNode[];
  /** kind's configuration as it gets it. */
  readonly rendered: string;
  /** The user's kind configuration as it was written, where there is one. */
  readonly written: string | undefined;
  readonly runDirectory: string;
  /** What kind's own environment has besides. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly ownership: Ownership;
  readonly site: EngineSite;
  /** Ends the creation: what it was for has failed. */
  readonly signal: AbortSignal;
}

/** An API server that answers, with what opens it. */
export interface AnsweringApi {
  /** Its address, as this step reaches it. */
  readonly server: string;
  /** kubeadm's kubeconfig of the admin; a secret. */
  readonly adminConf: string;
}

/** What a creation works with. */
export interface CreationTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
}

/** A create under way. */
export interface Creation {
  /** Settles when the API server answers: that is long before kind is done. */
  readonly apiServer: Promise<AnsweringApi>;
  /** Settles when the containerd of every node runs: that is before kubeadm begins. */
  readonly configured: Promise<void>;
  /** Settles when kind has created the cluster. */
  readonly done: Promise<void>;
  /** Aborted when the creation is abandoned: what is done beside it stops. */
  readonly signal: AbortSignal;
  /** Waits for work beside it. @throws as soon as the create fails, or a node cannot come up. */
  beside<T>(work: Promise<T>): Promise<T>;
  /** Looks at the nodes no longer: the cluster is up. */
  finish(): void;
  /** Ends what still runs, and waits for its end. */
  abandon(): Promise<void>;
}

/** Begins to create a cluster. */
export function beginCreate(request: CreationRequest, tools: CreationTools): Creation {
  const { kind, cluster, rendered, runDirectory, ownership, written, environment = {} } = request;
  const { exec, log, timeline } = tools;
  const abandoned = new AbortController();
  const finished = new AbortController();
  const signal = AbortSignal.any([abandoned.signal, request.signal]);
  const configured = Promise.withResolvers<void>();
  configured.promise.catch(() => undefined);
  const done = timeline.measure("Create cluster", () =>
    createCluster(
      { kind, cluster, configuration: rendered, kubeconfig: kindKubeconfig(runDirectory), runDirectory, environment },
      { exec, log, signal, onConfigured: configured.resolve },
    ),
  );
  // Whatever kind says: once it is done, it has configured the nodes.
  done.then(configured.resolve, configured.reject);
  let serving = false;
  const apiServer = openApiServer(request, done, signal, tools);
  const watch = watchNodes(
    { ownership, configuration: written, isServing: () => serving },
    exec,
    AbortSignal.any([signal, finished.signal]),
  );
  const answered = apiServer.then(() => {
    serving = true;
  });
  // Each failure is one of `beside`, whether the promise itself is awaited by then or not.
  const parts = [done, answered, watch];
  const failure = failureOf(parts);
  return {
    apiServer,
    configured: configured.promise,
    done,
    signal,
    beside: (work) => Promise.race([work, failure]),
    finish: () => finished.abort(),
    abandon: async () => {
      abandoned.abort();
      finished.abort();
      await Promise.allSettled(parts);
    },
  };
}

/** Rejects as soon as one of the parts does, and never resolves. */
function failureOf(parts: readonly Promise<void>[]): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const part of parts) part.catch(reject);
  promise.catch(() => undefined);
  return promise;
}

/** How long the API server may not answer once kind has done its part: it answered kubeadm long before. */
const ANSWER_SECONDS = 60;

async function openApiServer(
  { ownership, nodes, site }: CreationRequest,
  done: Promise<void>,
  signal: AbortSignal,
  { exec, timeline }: CreationTools,
): Promise<AnsweringApi> {
  const timeout = new AbortController();
  done.then(
    () => setTimeout(() => timeout.abort(), ANSWER_SECONDS * 1000).unref(),
    () => undefined,
  );
  // Envoy, kind's load balancer from 0.32 on, sends connections to control planes that have not joined yet too, as long
  // as fewer than half are healthy (its panic threshold). Asking meanwhile fails, and takes the turns of kubeadm's joins.
  if (nodes.filter((node) => node.role === "control-plane").length > 1) await done;
  const api = await timeline.measure("API server answers", () =>
    waitForApiServer({ ownership, nodes, site }, exec, AbortSignal.any([signal, timeout.signal])),
  );
  if (api === undefined) {
    throw new Failure("kind created the cluster, but its API server does not answer on the port that it published.", {
      fix:
        site.kind === "remote"
          ? `check that ${site.host} lets this machine connect to the ports that its containers publish (a firewall, or a network that is not routed)`
          : "check that nothing on this machine blocks that port, and look at the API server's log",
      retryable: !timeout.signal.aborted,
    });
  }
  return { server: api.server, adminConf: await readAdminConf(api.controlPlane, exec) };
}

/** Where kind writes a kubeconfig: never the user's own, and never the one that later steps get. */
export function kindKubeconfig(runDirectory: string): string {
  return join(runDirectory, "kind.kubeconfig");
}
