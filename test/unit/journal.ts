import type { JournalState } from "../../src/journal.ts";

/** What a run has written down that came as far as TORCH-V2. */
export const STATE: JournalState = {
  cluster: "c",
  nodes: ["c-control-plane"],
  startedAt: "2026-01-01T00:00:00.000Z",
  owner: { source: "/t/owner", destination: "/kind-torch/owner" },
  cleanup: true,
  logs: "on-failure",
  logsArtifactName: "kind-logs-c",
  logsFolder: "/t/kind-logs-c-x1y2z3",
  artifactRetentionDays: 1,
  internetProbe: { name: "example.org", address: "192.0.2.1", port: 53 },
  credentialFiles: [],
  createdDirectories: [],
  created: false,
  pending: [],
  failedTries: false,
  failedLogs: [],
  torch: {
    label: "kind-torch.run=c-1",
    containers: [],
    placeholders: [],
    images: ["kind-torch/c-engine:1"],
    engineUrl: "http://127.0.0.1:8080",
  },
  namespaces: [{ name: "simple", cluster: "bologna", kubeconfig: "/run/kubeconfig" }],
  kubectl: "/kubectl",
  failed: true,
};
