import type { ComposeService } from "./model.ts";

/** A service that refers to another one by its new name, wherever compose looks up a service by name. */
export function renameService(service: ComposeService, from: string, to: string): ComposeService {
  const follow = (value: unknown) => (value === `service:${from}` ? `service:${to}` : value);
  const { depends_on, links, volumes_from, network_mode, ipc, pid, ...kept } = service;
  const mode = network_mode === `service:${from}` ? `service:${to}` : network_mode;
  return {
    ...kept,
    ...(depends_on === undefined ? {} : { depends_on: renameDependencies(depends_on, from, to) }),
    ...(links === undefined ? {} : { links: renameEach(links, (name) => renameLink(name, from, to)) }),
    ...(volumes_from === undefined
      ? {}
      : { volumes_from: renameEach(volumes_from, (name) => renameSource(name, from, to)) }),
    ...(mode === undefined ? {} : { network_mode: mode }),
    ...(ipc === undefined ? {} : { ipc: follow(ipc) }),
    ...(pid === undefined ? {} : { pid: follow(pid) }),
  };
}

function renameDependencies(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return renameEach(value, (name) => (name === from ? to : name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, how]) => [name === from ? to : name, how]));
}

function renameEach(value: unknown, rename: (name: string) => string): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each: unknown) => (typeof each === "string" ? rename(each) : each));
}

/** `service` or `service:alias`: the name that the linking container knows stays the same. */
function renameLink(link: string, from: string, to: string): string {
  const [name, alias] = link.split(":");
  return name === from ? `${to}:${alias ?? from}` : link;
}

/** `service` or `service:ro`; `container:name` does not name a service. */
function renameSource(source: string, from: string, to: string): string {
  if (source === from) return to;
  return source.startsWith(`${from}:`) && from !== "container" ? `${to}${source.slice(from.length)}` : source;
}
