import { Failure } from "../../errors.ts";
import type { Csar } from "./csar.ts";

/** A node of the graph that the dashboard makes of a template and hands to the engine. */
export interface GraphNode {
  readonly name: string;
  /** What the engine deploys it as: `cluster`, `kubernetes-app`, ... */
  readonly category: string;
}

/** The category of nodes that become Deployments. */
const APPLICATION = "kubernetes-app";

/** Reads the dashboard's graph: a list of `{"node": {"name", "category", ...}, ...}`. @throws Failure where it is another thing. */
export function readGraph(json: string): readonly GraphNode[] {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    throw unreadable(json);
  }
  if (!Array.isArray(read)) throw unreadable(json);
  const items: readonly unknown[] = read;
  return items.map((item) => {
    const node = childOf(item, "node") ?? item;
    const name = childOf(node, "name");
    if (typeof name !== "string") throw unreadable(json);
    return { name, category: String(childOf(node, "category") ?? "") };
  });
}

/** Every node of the template must be in the graph: the dashboard leaves out those whose type it does not know. */
export function checkGraph(graph: readonly GraphNode[], { nodes, entry }: Csar): void {
  const names = new Set(graph.map(({ name }) => name));
  const missing = nodes.filter((node) => !names.has(node));
  if (missing.length === 0) return;
  throw new Failure(`The dashboard's graph of the template lacks ${missing.join(", ")}, which ${entry} has.`, {
    fix: "check the types of these nodes: the dashboard leaves out a node whose type is not one of TORCH-V2's own or derived from one",
    retryable: false,
  });
}

/** The nodes that become Deployments. */
export function listApplications(graph: readonly GraphNode[]): readonly string[] {
  return graph.filter(({ category }) => category === APPLICATION).map(({ name }) => name);
}

function childOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function unreadable(json: string): Failure {
  return new Failure(`The dashboard's graph of the template is not a list of nodes: ${json.slice(0, 200)}`, {
    retryable: false,
  });
}
