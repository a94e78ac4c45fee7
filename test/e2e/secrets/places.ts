import type { Trace } from "./traces.ts";

/** A place where a secret has to be, or no way leads around it: a row of docs/security.md, "Where keys are". */
export interface Place {
  /** As the document names it. */
  readonly title: string;
  /** The secrets that are there, by the beginnings of their names. */
  readonly secrets: readonly string[];
  /** As the search names it. */
  readonly pattern: RegExp;
}

/** Those on the disk while the job runs. The search must find each: what does not find these finds nothing. */
export const PLACES: readonly Place[] = [
  {
    title: "the credentials folder: `<user>.key`",
    secrets: ["the user's key"],
    // The service layer's container mounts it.
    pattern: /\/kind-torch-e2e-secrets-\w+\/credentials\/torch\.key$|^container e2e-secrets-services\/.*\/torch\.key$/,
  },
  {
    title: "the run's folder: the admin's kubeconfigs",
    secrets: ["the admin's key"],
    pattern: /\/kind-torch-e2e-secrets-\w+\/(?:kind\.)?kubeconfig$/,
  },
  {
    title: "the run's folder: the password of the dashboard's account",
    secrets: ["the dashboard's password"],
    pattern: /\/kind-torch-e2e-secrets-\w+\/torch-password$/,
  },
  {
    title: "the run's folder: the credentials for the kubelets",
    secrets: ["the registry's password"],
    pattern: /\/kind-torch-e2e-secrets-\w+\/pull-credentials\.json$/,
  },
  {
    title: "the files that you gave: `client-key`, `pull-credentials`",
    secrets: ["the user's key", "the registry's password"],
    pattern: /\/workspace\/own\.(?:key|json)$/,
  },
  {
    title: "the control plane's container: the cluster's CA, and what kubeadm issued",
    secrets: ["the admin's key", "the CA's key", "the key of service accounts"],
    pattern: /^container e2e-secrets-control-plane\/etc\/kubernetes\/(?:admin\.conf|pki\/(?:ca|sa)\.key)$/,
  },
  {
    title: "the state of a builder that you brought (`docker/setup-buildx-action`): its history of builds",
    secrets: ["the runner's token"],
    pattern: /\bbuildx_buildkit_secrets-test0_state\/(?:_data\/)?history\.db$/,
  },
];

/** The traces that no place explains. */
export function unexplained(found: readonly Trace[], places: readonly Place[]): readonly Trace[] {
  return found.filter(({ what, place }) => !places.some((each) => explains(each, what, place)));
}

/** The places in which nothing was found. */
export function empty(found: readonly Trace[], places: readonly Place[]): readonly string[] {
  return places
    .filter((each) => !found.some(({ what, place }) => explains(each, what, place)))
    .map(({ title }) => title);
}

function explains({ secrets, pattern }: Place, what: string, place: string): boolean {
  return pattern.test(place) && secrets.some((name) => what.startsWith(name));
}
