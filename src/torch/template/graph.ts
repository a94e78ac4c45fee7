import { array, fallback, object, optional, string, union } from "valibot";
import { Failure } from "../../errors.ts";
import { tryJson } from "../../values/json.ts";
import type { Csar } from "./csar.ts";

/** A node of the graph that the dashboard makes from a template and passes to the engine. */
export interface GraphNode {
  readonly name: string;
  /** How the engine deploys it: `cluster`, `kubernetes-app`, ... */
  readonly category: string;
  /** The node that it runs on: a cluster or a federation; `undefined` where the graph does not say. */
  readonly location: string | undefined;
}

/** A node that becomes a Deployment. */
export type Application = Pick<GraphNode, "name" | "location">;

/** The category of nodes that become Deployments. */
const APPLICATION = "kubernetes-app";

const LOCATION = object({ location: object({ target: string() }) });
const NODE = object({
  name: string(),
  category: fallback(optional(string(), ""), ""),
  relationships: fallback(optional(LOCATION), undefined),
});

/** A list of `{"node": {"name", "category", ...}, ...}`, or of the nodes themselves. */
const GRAPH = array(union([object({ node: NODE }), NODE]));

/** Reads the dashboard's graph. @throws Failure if it is something else than a list of nodes. */
export function readGraph(json: string): readonly GraphNode[] {
  const items = tryJson(GRAPH, json);
  if (items === undefined) {
    throw new Failure(`The dashboard's graph of the template is not a list of nodes: ${json.slice(0, 200)}`, {
      fix: "look at the dashboard's log in the collected logs",
      retryable: false,
    });
  }
  return items
    .map((item) => ("node" in item ? item.node : item))
    .map(({ name, category, relationships }) => ({ name, category, location: relationships?.location.target }));
}

/** Checks that the graph has every node of the template: the dashboard leaves out nodes of a type that it does not know. */
export function checkGraph(graph: readonly GraphNode[], { nodes, entry }: Csar): void {
  const names = new Set(graph.map(({ name }) => name));
  const missing = nodes.filter((node) => !names.has(node));
  if (missing.length === 0) return;
  throw new Failure(`The dashboard's graph of the template lacks ${missing.join(", ")}, which ${entry} has.`, {
    fix: "check the types of these nodes: the dashboard leaves out nodes whose type is not one of TORCH-V2's own, or derived from one of these",
    retryable: false,
  });
}

/** The nodes that become Deployments. */
export function listApplications(graph: readonly GraphNode[]): readonly Application[] {
  return graph.filter(({ category }) => category === APPLICATION).map(({ name, location }) => ({ name, location }));
}
