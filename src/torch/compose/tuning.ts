import type { ComposeModel } from "./model.ts";

/** Docker's `--cpu-shares` for what can wait: enough on idle processors, next to nothing beside a starting control plane. */
export const LOW_CPU_SHARES = 16;

/** The same for the service layer, which starts seven JVMs under a time limit beside nodes with Docker's default, 1024. */
export const HIGH_CPU_SHARES = 4096;

/**
 * JVMs that live for minutes use the fast compiler only, and collect garbage on one thread: engine and service layer start
 * with a fifth less processor time, and the connectors are ready earlier before the broker looks for them.
 */
export const FAST_START_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/** The same compose file with another weight for the processors of a service. */
export function withCpuShares(model: ComposeModel, service: string, shares: number): ComposeModel {
  const changed = { ...model.services[service], cpu_shares: shares };
  return { ...model, services: { ...model.services, [service]: changed } };
}

/** The same compose file without a variable of a service, if it has the given value. */
export function withoutDefault(model: ComposeModel, service: string, name: string, value: string): ComposeModel {
  const own = model.services[service] ?? {};
  const kept = Object.entries(own.environment ?? {}).filter(([each, set]) => each !== name || set !== value);
  const changed = { ...own, environment: Object.fromEntries(kept) };
  return { ...model, services: { ...model.services, [service]: changed } };
}
