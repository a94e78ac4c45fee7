import type { Phase } from "../timeline.ts";
import type { Versions } from "../versions/resolve.ts";

/** What the summary and the log say about a run that succeeded. */
export interface Report {
  readonly cluster: string;
  readonly versions: Versions;
  /** Where the tools came from, and what vouches for them. */
  readonly origins: { readonly kind: string; readonly kubectl: string };
  readonly nodes: readonly string[];
  /** The nodes' images, with their digests. */
  readonly nodeImages: readonly string[];
  /** The manifests of the user's network plugin; empty where it is kind's own, or none. */
  readonly cniManifests: readonly string[];
  /** The images that were loaded into every node, and where they came from. */
  readonly loaded: readonly { readonly image: string; readonly origin: string }[];
  /** The proxies that the job's environment sets, without passwords. */
  readonly proxies: readonly string[];
  readonly endpoint: string;
  readonly endpointExternal: string;
  readonly readiness: string;
  /** How the nodes pull images beyond what kind does: a row each, with its name. */
  readonly pulls?: readonly (readonly [name: string, value: string])[];
  /** What gives Services their load balancers: a row, where something does. */
  readonly loadBalancer?: readonly (readonly [name: string, value: string])[];
  /** What peering with Liqo needs to know: a row, where the cluster is prepared for it. */
  readonly liqo?: readonly (readonly [name: string, value: string])[];
  readonly user: string;
  readonly rbac: string;
  readonly certificateExpires: Date;
  readonly files: readonly { readonly name: string; readonly path: string; readonly what: string }[];
  /** The artifact with the credentials, or a word if there is none. */
  readonly artifact: string | { readonly name: string; readonly url: string };
  /** `undefined` if TORCH-V2 was not booted. */
  readonly torch: TorchReport | undefined;
  readonly phases: readonly Phase[];
}

/** What they say about TORCH-V2. */
export interface TorchReport {
  /** Addresses, as the job's steps reach them. */
  readonly dashboard: string;
  readonly engine: string;
  readonly broker: string;
  /** How each image was built: what it is, how much came from the cache, and what was wrong with the cache. */
  readonly images: readonly (readonly [name: string, value: string, note: string])[];
  /** How many processes the engine has from the BPMN plans. */
  readonly processes: number;
  readonly deployed:
    | {
        readonly template: string;
        readonly nodes: readonly string[];
        readonly clusters: readonly {
          readonly name: string;
          readonly endpoint: string;
          readonly objects: readonly string[];
        }[];
      }
    | undefined;
  /** What became of the caches of the dashboard's packages. */
  readonly packages?: string | undefined;
}

/** What is said next to a proxy. */
export const PROXY_NOTE =
  "this step does not use it for the API server; later steps do, unless NO_PROXY has the address";

/** A row each: what it is, its name or address, and a note. */
export function torchRows({ dashboard, engine, broker, images, processes, deployed, packages }: TorchReport) {
  const rows: (readonly [name: string, value: string, note: string])[] = [
    ["Dashboard", dashboard, packages ?? ""],
    ["Flowable engine", engine, `${processes} processes of the BPMN plans`],
    ["Service broker", broker, ""],
    ...images,
  ];
  if (deployed !== undefined) {
    const { template, nodes, clusters } = deployed;
    rows.push(["Template", template, `every node started: ${nodes.join(", ")}`]);
    for (const { name, endpoint, objects } of clusters) {
      if (clusters.length > 1) rows.push([`Cluster ${name}`, endpoint, "as TORCH-V2 reaches it"]);
      rows.push([clusters.length > 1 ? `Namespace in ${name}` : "Namespace", template, objects.join(", ")]);
    }
  }
  return rows;
}

/** A phase's name, when it started, and how long it took. */
export function phaseRow({ name, start, end = start, state }: Phase): readonly [string, string, string] {
  return [state === "done" ? name : `${name} (${state})`, seconds(start), seconds(end - start)];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
