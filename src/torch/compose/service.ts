import type { Issue } from "../../values/issue.ts";
import type { Component } from "../components.ts";
import type { ComposeModel, ComposePort, ComposeService } from "./model.ts";

/** A component's port in its container and on the host. */
export interface ServicePort {
  readonly target: number;
  readonly published: number;
  /** Whether the component's own service publishes it, and not another one, such as a proxy. */
  readonly own: boolean;
}

/** A compose file, the component's own service in it, and its port. */
export interface FoundService {
  readonly model: ComposeModel;
  readonly service: string;
  readonly port: ServicePort;
}

/**
 * Finds the component's own service: the one that is built, else the one with the guide's image, else the one with the
 * guide's port. A proxy may publish that port for it.
 */
export function findService(model: ComposeModel, component: Component): FoundService | { readonly issue: Issue } {
  const services = Object.entries(model.services);
  const names = (matches: (service: ComposeService) => boolean) =>
    services.filter(([, service]) => matches(service)).map(([name]) => name);
  const built = names(({ build }) => build !== undefined);
  const imaged = names(({ image }) => image?.replace(/[:@].*$/, "") === component.image);
  const bestRank = Math.max(1, ...services.map(([, service]) => rankOf(service, component)));
  const ported = names((service) => rankOf(service, component) === bestRank);
  if (built.length > 0 && imaged.length > 0 && !built.some((name) => imaged.includes(name))) {
    return refuse(
      component,
      `builds ${built.join(", ")}, and has the image ${component.image} at ${imaged.join(", ")}`,
    );
  }
  const candidates = [built, imaged, ported].reduce<readonly string[]>(
    (left, evidence) => {
      const agreeing = left.filter((name) => evidence.includes(name));
      return agreeing.length > 0 ? agreeing : left;
    },
    services.map(([name]) => name),
  );
  const [service, ...others] = candidates;
  if (service === undefined || others.length > 0) {
    const all = services.map(([name]) => name).join(", ");
    return refuse(component, `does not have exactly one service that is the ${component.title} (services: ${all})`);
  }
  return { model, service, port: findPort(model, service, component) };
}

function refuse({ title, image, hostPort }: Component, reason: string): { readonly issue: Issue } {
  return {
    issue: {
      reason,
      allowed: `one service of the ${title}, with its build, its image ${image} or its port ${hostPort}`,
      fix: "keep one such service in the compose file",
    },
  };
}

/** How well a service's ports fit a component's: 3 is both, 2 the host's, 1 the container's, 0 neither. */
function rankOf({ ports = [] }: ComposeService, component: Component): number {
  return Math.max(0, ...ports.map((mapping) => rankMapping(mapping, component)));
}

function rankMapping(mapping: ComposePort, { hostPort, containerPort }: Component): number {
  return (firstPort(mapping) === hostPort ? 2 : 0) + (mapping.target === containerPort ? 1 : 0);
}

function findPort(model: ComposeModel, service: string, component: Component): ServicePort {
  const best = (ports: readonly ComposePort[]) =>
    ports.toSorted((a, b) => rankMapping(b, component) - rankMapping(a, component))[0];
  const own = best(model.services[service]?.ports ?? []);
  const target = own?.target ?? component.containerPort;
  const ownPort = own === undefined ? undefined : firstPort(own);
  if (ownPort !== undefined) return { target, published: ownPort, own: true };
  const published = Object.entries(model.services).some(
    ([name, { ports = [] }]) => name !== service && ports.some((port) => firstPort(port) === component.hostPort),
  );
  return { target, published: component.hostPort, own: !published };
}

/** The host port of a mapping, the first of a range (`8000-8010`); `undefined` if Docker chooses it. */
function firstPort({ published }: ComposePort): number | undefined {
  const port = Number.parseInt(String(published ?? ""), 10);
  return Number.isNaN(port) ? undefined : port;
}

/** The host ports that a compose file publishes. */
export function listPublishedPorts({ model, port }: Omit<FoundService, "service">): readonly number[] {
  const all = Object.values(model.services).flatMap((service) => service.ports ?? []);
  // From a range of ports (`7000-7010`) Docker chooses one.
  const fixed = all.map((mapping) => Number(mapping.published ?? 0)).filter(Number.isInteger);
  return [...new Set([port.published, ...fixed])].filter((published) => published > 0);
}

/** The names by which kind's nodes are reached, of any cluster. */
const NODE_NAME = /-(?:control-plane|worker)\d*$|-external-load-balancer$/i;

/** Whether a component would answer in place of a cluster's node on a network that it shares. */
export function checkServiceNames({ model, service }: Omit<FoundService, "port">): Issue | undefined {
  const names = [service, model.services[service]?.container_name ?? ""];
  const refused = [...new Set(names.filter((name) => NODE_NAME.test(name)))];
  if (refused.length === 0) return undefined;
  return {
    reason: `gives the component's service a name that a kind node could have: ${refused.join(", ")}`,
    allowed: "names that do not end in -control-plane, -worker or -external-load-balancer",
    fix: "rename the service, and its container_name, in the compose file",
  };
}
