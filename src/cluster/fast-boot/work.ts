import { describeError } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { pause } from "../../poll.ts";
import type { Log } from "../../runner/log.ts";
import type { Timeline } from "../../timeline.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import type { Kubectl } from "../kubectl.ts";
import { shortenCoreDnsProbe } from "./coredns.ts";
import type { FastBoot } from "./plan.ts";
import { connectNodes } from "./pod-network.ts";
import { assignPodSubnets } from "./pod-subnets.ts";

/** After this kindnetd has looked again (the ticker in its main.go). */
const KINDNETD_SECONDS = 10;

/** What the work of a fast boot needs. */
export interface FastBootTools {
  readonly admin: Kubectl;
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
  /** Aborted when the creation is abandoned. */
  readonly signal: AbortSignal;
}

/** What a fast boot does beside kubeadm, once the API server answers. */
export interface FastBootWork {
  /** Settles when nodes and CoreDNS have what they need to get ready. */
  readonly prepared: Promise<unknown>;
  /** Puts back what was changed for the boot, and waits for the pod network if everything is to be ready. */
  finish(readiness: "full" | "api-server"): Promise<void>;
  /** Leaves the pod network to kindnetd. */
  stop(): void;
}

/** Begins the work of a fast boot. */
export function beginFastBoot(fastBoot: FastBoot, nodes: readonly ClusterNode[], tools: FastBootTools): FastBootWork {
  const { admin, timeline, signal } = tools;
  const assigned = timeline.measure("Assign pod subnets", () => assignPodSubnets(fastBoot, admin, signal));
  const coreDns = shortenCoreDnsProbe(admin, signal);
  const network = fastBoot.connectsPods ? connectPods(fastBoot, nodes, tools) : undefined;
  return {
    prepared: Promise.all([assigned, coreDns]),
    finish: async (readiness) => {
      const restore = await coreDns;
      await Promise.all([restore(), readiness === "full" ? network?.finish() : undefined]);
    },
    stop: () => network?.stop(),
  };
}

/** Connects the pods of all nodes. A failure here is none of the cluster's: kindnetd does the same some seconds later. */
function connectPods(fastBoot: FastBoot, nodes: readonly ClusterNode[], { admin, exec, log, signal }: FastBootTools) {
  const late = new AbortController();
  const stop = AbortSignal.any([signal, late.signal]);
  const connected = connectNodes({ nodes, ...fastBoot }, admin, exec, stop).catch((error: unknown) => {
    if (!stop.aborted) log.info(`The pods of the nodes are left to kindnetd: ${describeError(error)}`);
    return false;
  });
  return {
    /** Waits until the pods of all nodes are connected, by us or by kindnetd. */
    finish: async () => {
      const looked = pause(KINDNETD_SECONDS * 1000, signal).then(
        () => false,
        () => false,
      );
      const done = (await Promise.race([connected, looked])) || (await looked);
      late.abort();
      log.debug(done ? `The pods of ${nodes.length} nodes are connected.` : "kindnetd has looked again.");
    },
    stop: () => late.abort(),
  };
}
