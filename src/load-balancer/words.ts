const MAX_LINES = 6;
const MAX_LENGTH = 400;

/** klog's mark of an error or of the end, what Go says when a program ends, and what a shell says of one that is not there. */
const IMPORTANT = /^[EF]\d{4} |^Error: |^panic: |^fatal error: |^sh: |\bnot found\b/;

/** The lines of the provider's log that say why it does not serve: the last errors, else the last lines. */
export function lastWords(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => IMPORTANT.test(line));
  return (errors.length > 0 ? errors : lines)
    .slice(-MAX_LINES)
    .map((line) => line.slice(0, MAX_LENGTH))
    .join("\n");
}

/**
 * Whether the provider serves a cluster, by its log: it has begun with the cluster, and knows its Services
 * (cloud-provider-kind, pkg/controller/controller.go; k8s.io/cloud-provider, controllers/service/controller.go).
 */
export function serves(log: string, cluster: string): boolean {
  const began = log.includes(`"Starting cloud controller" cluster="${cluster}"`);
  return began && /"?Caches are synced"? .*"?service"?\b/.test(log);
}
