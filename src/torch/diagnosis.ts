import type { Diagnosis } from "../diagnosis/diagnose.ts";
import type { ComponentName } from "./components.ts";

interface Rule extends Diagnosis {
  /** The component that says it; `undefined`: any. */
  readonly component?: ComponentName;
  readonly words: RegExp;
}

const MOUNTED_FILES =
  "let the service layer read the three files that this step mounts (torch-credentials-mount), and remove its image's own";

const NOT_REACHED = {
  cause:
    "The dashboard cannot reach the engine's container, although this machine can: a launch waits only for the engine, which normally answers within seconds.",
  fix: "check that no firewall on this machine blocks traffic between containers of one network (iptables -S FORWARD, iptables -S DOCKER-USER)",
};

/** What Java, OpenSSL, Docker, Kubernetes and Flowable report, and what it means here. The first rule that fits is used. */
const RULES: readonly Rule[] = [
  {
    component: "services",
    words:
      /SSLPeerUnverifiedException|no subject alternative (?:dns )?names? (?:matching|present)|hostname .*(?:not verified|mismatch|doesn't match)|certificate is not valid for|ERR_TLS_CERT_ALTNAME/i,
    cause:
      "The endpoint that the service layer used is not in the API server's certificate (its subject alternative names).",
    fix: "use the endpoint that this step outputs (torch-endpoint), or add the name with extra-sans",
  },
  {
    component: "services",
    words:
      /key values mismatch|KEY_VALUES_MISMATCH|private key .*does(?:n't| not) match|bad_certificate|decrypt_error|certificate signature failure|tlsv1 alert|signature check failed/i,
    cause:
      "The private key that the service layer read does not belong to its certificate, or the certificate is not this cluster's.",
    fix: MOUNTED_FILES,
  },
  {
    component: "services",
    words:
      /PKIX path|Path does not chain|unable to find valid certification path|CERTIFICATE_VERIFY_FAILED|certificate verify failed|unable to get local issuer|self.signed certificate|unknown_ca|certificate_unknown/i,
    cause: "The service layer does not trust the API server: the ca.crt that it read is not this cluster's CA.",
    fix: "let the service layer read the ca.crt that this step mounts (torch-credentials-mount), and remove its image's own",
  },
  {
    component: "services",
    words:
      /(?:AccessDenied|Permission ?denied|EACCES).*\.(?:key|crt)|\.(?:key|crt).*(?:AccessDenied|Permission ?denied|EACCES)/i,
    cause:
      "The service layer cannot read the mounted credential files: they belong to this runner's user, with mode 0600.",
    fix: "let the service layer's image run as root, as TORCH-V2's does (no USER in its Dockerfile)",
  },
  {
    component: "services",
    words: /\b401\b.*unauthorized|unauthorized.*\b401\b|"code":\s*401/i,
    cause: "The API server does not accept the certificate that the service layer sent.",
    fix: "let the service layer read the certificate that this step mounts (torch-credentials-mount)",
  },
  {
    component: "services",
    words: /namespaces? .*already exists/i,
    cause: "The template's namespace exists already, which the connector treats as an error.",
    fix: "delete the namespace before the step, or use a different name for each template",
  },
  {
    component: "services",
    words: /system:anonymous/i,
    cause:
      "The service layer's certificate was not sent: the API server did not issue it, or asks for certificates of another CA.",
    fix: MOUNTED_FILES,
  },
  {
    component: "services",
    words: /is forbidden: User|"code":\s*403/i,
    cause: "The user lacks the rights that the connector needs in the cluster.",
    fix: "use rbac: torch or rbac: cluster-admin, or add the missing rights with rbac-manifests",
  },
  {
    component: "services",
    words: /ImagePullBackOff|ErrImagePull|ErrImageNeverPull/i,
    cause: "The cluster cannot pull an image of the template.",
    fix: "check the image's name in the template, that the runner reaches its registry, and that a private one has its credentials in pull-credentials",
  },
  {
    component: "engine",
    words: /SocketTimeoutException|Read timed out/i,
    cause: "The service layer did not answer the engine's call in time: Flowable waits for five seconds.",
    fix: "look at the connector's log file; on a slow machine, use a larger runner",
  },
  { words: /dashboard does not launch .*(?:refused|timed out|connect)/i, ...NOT_REACHED },
  {
    component: "engine",
    words: /ConnectException|Connection refused/i,
    cause: "The engine did not reach the service layer's broker.",
    fix: "check SERVICE_BROKER_URI and the broker's port in the compose files, and the broker's own log",
  },
  {
    words: /port is already allocated|address already in use/i,
    cause: "A port that TORCH-V2 publishes on this machine is in use.",
    fix: "stop what uses it in an earlier step, or change the port in the compose file",
  },
  {
    words: /OutOfMemoryError|Cannot allocate memory|ran out of memory|OOMKilled(?!":\s*false)/i,
    cause: "The machine has too little memory for the cluster and TORCH-V2.",
    fix: "use a larger runner, or fewer nodes (workers)",
  },
  {
    words: /exit code 137\b/i,
    cause:
      "It was ended by SIGKILL: by the kernel if the machine ran out of memory, or else by something on this machine.",
    fix: "if dmesg names an out-of-memory kill, use a larger runner, or fewer nodes (workers); if not, find what ends containers on this machine",
  },
  {
    words: /No space left on device/i,
    cause: "The disk on which Docker keeps its data is full.",
    fix: "free disk space in an earlier step (docker system prune), or use a runner with a larger disk",
  },
  {
    words: /Could not resolve host|Temporary failure in name resolution|getaddrinfo|UnknownHostException/i,
    cause: "A name could not be resolved from inside a container.",
    fix: "check the addresses in the compose files, and that containers on this runner can resolve names",
  },
];

/** Names the likely cause of a failure of TORCH-V2 from what one of its components reported. */
export function diagnoseTorch(component: ComponentName, words: string): Diagnosis | undefined {
  const rule = RULES.find((each) => (each.component ?? component) === component && each.words.test(words));
  return rule === undefined ? undefined : { cause: rule.cause, fix: rule.fix };
}

/** What a component wrote last. */
export interface Report {
  readonly component: ComponentName;
  readonly words: string;
}

/**
 * Names the likely cause of a failure from what went wrong and from what each component reported, the most likely culprit
 * first. That a launch timed out says something only where no component says more.
 */
export function diagnoseFailure(what: string, reports: readonly Report[]): Diagnosis | undefined {
  for (const { component, words } of reports) {
    const diagnosis = diagnoseTorch(component, what) ?? diagnoseTorch(component, words);
    if (diagnosis !== undefined) return diagnosis;
  }
  return /dashboard does not answer \/bpmn-engine\S*: timed out/.test(what) ? NOT_REACHED : undefined;
}
